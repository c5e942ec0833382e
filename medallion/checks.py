"""What is wrong with a declaration, found before anything runs: `manage.py check` names file and class."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlglot
from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Warning
from sqlglot import exp
from sqlglot.errors import SqlglotError

from medallion import bronze, declaration, gold, rule_checks, silver, star_checks
from medallion.compile import late
from medallion.naming import is_name
from medallion.pipelines import Pipeline
from medallion.query import Query, QueryError
from medallion.registry import Warehouse, warehouse
from medallion.schedules import times
from medallion.sources import JsonRecords, PostgresTable, is_json_path

#: Columns that Assay adds; a declaration cannot have them too.
OWN_COLUMNS = {"valid_from", "valid_to", "is_current"}
#: How long bronze rows are kept.
RETENTION = r"[1-9]\d{0,3} (day|week|month|year)s?"


def check_warehouses(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """All declarations of all installed warehouses."""
    found = warehouse()
    messages: list[CheckMessage] = [
        Error(f"{name} is declared twice.", hint=f"The second is {where}. Rename one of them.", id="assay.E001")
        for name, where in found.doubled
    ]
    for table in found.tables.values():
        messages += _table(table, found)
    messages += _cycles(found)
    messages += _pipelines(found)
    return messages


def _table(table: type[declaration.Table], found: Warehouse) -> Iterator[CheckMessage]:
    if not is_name(table.name):
        yield _error(
            table, f"The name {table.name!r} is no name for a table.",
            "Lower-case letters, digits and _, beginning with a letter, at most 45 characters.", "E002",
        )  # fmt: skip
    yield from _own_files(table)
    if issubclass(table, bronze.Table):
        yield from _bronze(table)
        yield from _database(table, found)
    elif issubclass(table, silver.Table):
        yield from _silver(table, found)
    elif issubclass(table, gold.Calendar):
        yield from (_error(table, *finding) for finding in star_checks.calendar(table))
    elif issubclass(table, gold.Table):
        yield from _gold(table, found)
    yield from _personal(table)


def _personal(table: type[declaration.Table]) -> Iterator[CheckMessage]:
    """Marks of personal data on columns that are not there: a name that is misspelled would leave its column open."""
    try:
        names = _column_names(table)
    except (AttributeError, OSError, QueryError):
        return  # said already
    for name in sorted(table.personal().keys() - names):
        yield _error(table, f"pii names the column {name}, which the table does not have.",
                     f"Its columns are {', '.join(sorted(names)) or 'those of every calendar'}.", "E085")  # fmt: skip


def _column_names(table: type[declaration.Table]) -> set[str]:
    if issubclass(table, bronze.Table):
        return {column.name for column in table.bronze_columns()}
    if issubclass(table, silver.Table):
        return {*table.columns(), *table.generated()}
    return {*table.parsed().output_names(), *table.generated()} if issubclass(table, gold.Table) else set()


def _bronze(table: type[bronze.Table]) -> Iterator[CheckMessage]:
    if not getattr(table, "source", None):
        yield _error(table, "It names no source.", "Add: source = YourSource.", "E010")
        return
    names = [column.name for column in table.declared_columns()]
    if not names:
        yield _error(table, "It declares no columns.", 'Add: columns = "id name …".', "E011")
    for name in names:
        if not is_name(name):
            yield _error(
                table, f"The column {name!r} is no name for a column.",
                'Map a name to the header: columns = {"invoice_no": "Invoice No"}.', "E012",
            )  # fmt: skip
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield _error(table, f"The column {name} is declared twice.", "Leave one of them out.", "E013")
    yield from _renamed(table, dict(table.renamed_from), names)
    yield from _records(table)
    if table.retention is not None and not re.fullmatch(RETENTION, str(table.retention)):
        yield _error(table, f"Its retention is {table.retention!r}.", 'Write "13 months", or "400 days".', "E014")


def _renamed(
    table: type[declaration.Table], renamed: Mapping[str, str], columns: Container[str]
) -> Iterator[CheckMessage]:
    for name, before in renamed.items():
        if name not in columns or before in columns or list(renamed.values()).count(before) > 1:
            yield _error(
                table, f"The column {name} cannot have been {before} before.",
                "renamed_from says of one column of the table which one of them it was, that is there no more.", "E017",
            )  # fmt: skip


def _records(table: type[bronze.Table]) -> Iterator[CheckMessage]:
    """Paths into JSON records."""
    if not issubclass(table.source, JsonRecords):
        if table.explode is not None:
            yield _error(table, f"Its source {table.source.__name__} has no JSON to explode.",
                         "Leave explode out, or name a source of JSON.", "E015")  # fmt: skip
        return
    paths = [path for column in table.declared_columns() for path in column.aliases or (column.name,)]
    for path in [*paths, *([] if table.explode is None else [table.explode])]:
        around = path.startswith("^")
        if not is_json_path(path[around:].removeprefix(".") if around else path) or (around and table.explode is None):
            hint = 'Write keys with dots between, as in "address.city"; "^.id" in the columns of a table with explode.'
            yield _error(table, f"{path!r} is no path into a record.", hint, "E016")


def _database(table: type[bronze.Table], found: Warehouse) -> Iterator[CheckMessage]:
    """What a table of another database can feed."""
    source = getattr(table, "source", None)
    if source is None or not issubclass(source, PostgresTable):
        return
    for column in table.declared_columns():
        if len(column.aliases) > 1 or column.encoded:
            yield _error(
                table, f"The column {column.name} is read from a database, where it has one name.",
                'Write columns = {"customer_no": "id"}.', "E018",
            )  # fmt: skip
    others = [t for t in found.tables.values() if issubclass(t, bronze.Table) and getattr(t, "source", None) is source]
    if others[0] is not table:
        hint = f"The first is {others[0].target}. Declare a second source for this one."
        yield _error(table, f"{source.__name__} feeds two bronze tables.", hint, "E019")


def _silver(table: type[silver.Table], found: Warehouse) -> Iterator[CheckMessage]:
    source = getattr(table.Meta, "source", None)
    if source is None or source.target not in found.tables:
        yield _error(table, "Its Meta names no bronze table as its source.", "Add: source = RawSomething.", "E020")
        return
    known = {column.name for column in source.bronze_columns()} | {"_extra", "_ingested_at"}
    columns = table.columns()
    if not columns:
        yield _error(table, "It declares no columns.", 'Add: name = Text("trim(name)").', "E021")
    for name, column in columns.items():
        if not is_name(name) or name in OWN_COLUMNS:
            yield _error(table, f"The column {name!r} cannot have that name.", "Choose another.", "E022")
        yield from _expression(table, f"The column {name}", column.expression, known, source.target)
        for problem in column.problems():
            yield _error(table, f"The column {name}: {problem}.", "See docs/reference/declarations.md.", "E027")
    yield from _renamed(table, {n: c.renamed_from for n, c in columns.items() if c.renamed_from}, columns)
    for name, made in table.generated().items():
        stored = set(columns) - {getattr(table.history(), "effective", None)}
        if not is_name(name) or name in OWN_COLUMNS:
            yield _error(table, f"The column {name!r} cannot have that name.", "Choose another.", "E022")
        yield from _expression(table, f"The generated column {name}", made.expression, stored, table.target)
    meta = {"where": getattr(table.Meta, "where", None), "deleted_when": getattr(table.history(), "deleted_when", None)}
    for what, condition in meta.items():
        if condition:
            yield from _expression(table, f"Its {what}", condition, known, source.target)
    if table.max_rejected() is not None and not re.fullmatch(r"\d+(\.\d+)?%|\d+", str(table.max_rejected())):
        yield _error(
            table, f"Its max_rejected is {table.max_rejected()!r}.", 'Write "5%", or a number of rows.', "E028"
        )
    wrong = list(_history(table))
    yield from wrong
    if not wrong:
        yield from (_error(table, *finding) for finding in rule_checks.of_silver(table))


def _history(table: type[silver.Table]) -> Iterator[CheckMessage]:
    columns, history = table.columns(), table.history()
    for name in table.key():
        if name not in columns:
            yield _error(table, f"Its key names {name}, which is no column of it.", _known(columns), "E023")
    if isinstance(history, silver.Append):
        source = getattr(table.Meta.source, "source", None)
        if source is not None and issubclass(source, PostgresTable) and source.cursor is None:
            yield _error(
                table, f"{source.__name__} is read anew as a whole, and Append keeps every reading.",
                "Add to its Meta: history = SCD2(full_extract=True), or to the source a cursor.", "E037",
            )  # fmt: skip
        return
    if not table.key():
        yield _error(table, "A table with history needs a key.", 'Add to its Meta: key = "customer_id".', "E024")
    effective = history.effective
    if effective and (effective not in columns or columns[effective].sql_type not in ("timestamptz", "date")):
        yield _error(
            table, f"effective names {effective!r}, which is no Timestamp or Date column of it.",
            'Declare it: updated_at = Timestamp("updated_date").', "E025",
        )  # fmt: skip
    if history.full_extract and (effective or history.deleted_when):
        yield _error(
            table, "With full_extract, the time of an extract is that of everything in it.",
            "Leave effective and deleted_when out; keep the source's time as a column.", "E032",
        )  # fmt: skip
    if history.max_gone and not (history.full_extract and re.fullmatch(r"\d+(\.\d+)?%", history.max_gone)):
        yield _error(
            table, f"Its max_gone is {history.max_gone!r}.", 'Write full_extract=True, max_gone="20%".', "E033"
        )
    if history.often_late and (history.full_extract or not effective):
        yield _error(
            table, "Nothing comes late where the time of the ingestion counts.", "Leave often_late out.", "E035"
        )
    for name in table.key() if history.often_late else ():
        if name in columns and not late.can_be_indexed(columns[name].contract(name)):
            yield _error(
                table, f"Its key column {name} cannot be in the index of often_late: its text is read in its own way.",
                "Leave often_late out, or make it a Text, a Uuid or a whole number.", "E036",
            )  # fmt: skip
    for name in history.contract().get("tracked", ()):
        if name not in columns or name in (*table.key(), effective):
            yield _error(table, f"tracked names {name!r}, whose history it does not keep.", _known(columns), "E029")
    sequence = getattr(history, "sequence", None)
    if sequence is not None and (sequence not in columns or sequence in (*table.key(), effective)):
        yield _error(
            table, f"sequence names {sequence!r}, which orders no events of one time.", _known(columns), "E034"
        )
    if not set(columns) - {*table.key(), effective, sequence}:
        yield _error(table, "It has no column beside its key whose history it could keep.", "Add one.", "E026")


def _expression(
    table: type[declaration.Table], what: str, expression: str, known: set[str], source: str
) -> Iterator[CheckMessage]:
    try:
        tree = sqlglot.parse_one(expression, read="postgres")
    except SqlglotError as error:
        yield _error(table, f"{what} is no SQL expression: {expression}", str(error).split("\n")[0], "E030")
        return
    for name in dict.fromkeys(column.name for column in tree.find_all(exp.Column)):
        if name not in known:
            yield _error(table, f"{what} reads {name}, which {source} does not have.", _known(known), "E031")


def _gold(table: type[gold.Table], found: Warehouse) -> Iterator[CheckMessage]:
    if not table.query_path().exists():
        yield _error(table, f"Its query {table.query} is not there.", f"Write it to {table.query_path()}.", "E040")
        return
    query = table.parsed()
    try:
        names, tables = query.output_names(), query.tables()
    except QueryError as error:
        yield _error(table, f"{table.query}: {error}", "See docs/reference/declarations.md.", "E041")
        return
    for name in tables:
        if name not in found.tables:
            yield _error(table, f"{table.query} reads {name}, which nobody declares.", _known(found.tables), "E042")
        elif getattr(found.tables[name], "retention", None):
            yield _error(
                table, f"{table.query} reads {name}, whose rows go by its retention.",
                "Gold is computed from all its rows: read a silver table of it, which keeps them.", "E045",
            )  # fmt: skip
    for name in table.grain_columns():
        if name not in names:
            yield _error(table, f"Its grain names {name}, which {table.query} does not give.", _known(names), "E043")
    yield from _ungrouped(table, query)
    yield from (_error(table, *finding) for finding in star_checks.findings(table, names))
    made = [*names, *table.generated()]
    yield from (_error(table, *finding) for finding in rule_checks.of_checks(table.checks, made, "gold"))


def _own_files(table: type[declaration.Table]) -> Iterator[CheckMessage]:
    for name in table.routine_files():
        if not table.file(name).exists():
            yield _error(table, f"Its routine {name} is not there.", f"Write it to {table.file(name)}.", "E040")


def _ungrouped(table: type[gold.Table], query: Query) -> Iterator[CheckMessage]:
    """A column beside GROUP BY that is neither grouped nor aggregated: PostgreSQL would refuse it at the first load."""
    for select in query.tree.find_all(exp.Select):
        group = select.args.get("group")
        if not group or any(group.args.get(kind) for kind in ("grouping_sets", "cube", "rollup")):
            continue
        grouped = {part.sql() for part in group.expressions}
        places = {str(number) for number in range(1, len(select.selects) + 1)} & grouped
        for number, projection in enumerate(select.selects, 1):
            value = projection.unalias()
            if str(number) in places or value.sql() in grouped or projection.alias_or_name in grouped:
                continue
            loose = [c.sql() for c in value.find_all(exp.Column) if not c.find_ancestor(exp.AggFunc, exp.Subquery)]
            if bad := [name for name in loose if name not in grouped]:
                yield _error(
                    table, f"{table.query}: {bad[0]} is neither grouped nor aggregated.",
                    f"Add it to GROUP BY, or aggregate it in {projection.alias_or_name}.", "E044",
                )  # fmt: skip


def _cycles(found: Warehouse) -> Iterator[CheckMessage]:
    state: dict[str, str] = {}

    def visit(name: str, path: list[str]) -> Iterator[CheckMessage]:
        if state.get(name) == "done" or name not in found.tables:
            return
        if name in path:
            circle = " → ".join([*path[path.index(name) :], name])
            yield _error(found.tables[name], f"It reads itself: {circle}.", "Break the circle.", "E050")
            return
        for source in _inputs(found.tables[name]):
            yield from visit(source, [*path, name])
        state[name] = "done"

    for name in found.tables:
        yield from visit(name, [])


def _inputs(table: type[declaration.Table]) -> list[str]:
    """What a table reads; nothing where its declaration is wrong, which another check says."""
    try:
        return table.inputs()
    except (QueryError, OSError, AttributeError):
        return []


def _pipelines(found: Warehouse) -> Iterator[CheckMessage]:
    for pipeline in found.pipelines.values():
        where = f"{declaration.source_file(pipeline)}: class {pipeline.__qualname__}"
        if not pipeline.targets:
            yield Warning(f"{where}: it has no targets.", hint="Add: targets = [SomeTable].", id="assay.W060")
        for name in pipeline.target_names():
            if name not in found.tables:
                yield Error(f"{where}: nobody declares its target {name}.", hint=_known(found.tables), id="assay.E061")
        for name in ("time_limit", "step_time_limit"):
            limit = getattr(pipeline, name)
            if limit is not None and (not isinstance(limit, timedelta) or limit <= timedelta()):
                hint = f"Write {name} = timedelta(hours=1)."
                yield Error(f"{where}: its {name} is {limit!r}, no length of time.", hint=hint, id="assay.E065")
        yield from _schedule(pipeline, where)


def _schedule(pipeline: type[Pipeline], where: str) -> Iterator[CheckMessage]:
    if pipeline.schedule is None:
        if pipeline.fresh_within is not None:
            yield Error(f"{where}: fresh_within without a schedule.", hint="Add: schedule = ….", id="assay.E063")
        return
    try:
        times.check(pipeline.schedule, pipeline.time_zone)
    except times.MeansNothing as error:
        hint = 'Write schedule = "0 2 * * *" and time_zone = "Europe/Paris".'
        yield Error(f"{where}: {error}", hint=hint, id="assay.E062")
    if pipeline.catch_up not in ("all", "latest", "none"):
        yield Error(
            f"{where}: its catch_up is {pipeline.catch_up!r}.", hint="Write all, latest or none.", id="assay.E064"
        )


def _error(table: type[declaration.Table], message: str, hint: str, number: str) -> Error:
    return Error(f"{table.where()}: {message}", hint=hint, id=f"assay.{number}")


def _known(names: Any) -> str:
    return "There are: " + ", ".join(sorted(names)) + "."
