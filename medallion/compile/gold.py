"""Gold tables: which kind is made how."""

from __future__ import annotations

from medallion.compile import by_keys, by_sums, calendars, checks, differences, origins, stars, stated, text, views
from medallion.compile.constraints import generated_column
from medallion.compile.lineage import columns_of, declared
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query

#: What changes nothing about the rows.
PRESENTATION = ("description", "domain", "about", "indexes", "checks", "routines")


def create(contract: Contract, warehouse: str) -> str:
    """The table (its types are the query's), its load routine and its metadata."""
    if contract["kind"] == "calendar":
        pieces = [calendars.create(contract, warehouse)]
    elif contract["kind"] == "materialized_view":
        pieces = [views.create(contract), *origins.create(contract), _metadata(contract, warehouse)]
    else:
        pieces = [stars.create(contract), by_sums.create(contract), _routines(contract), _metadata(contract, warehouse)]
        # Its own images, which say what a run changed, begin when it has what it has from the beginning.
        ensured = f"SELECT dwh_etl.ensure_images({literal(text.target(contract))});\n"
        pieces.append(stars.after_install(contract) + ensured)
    return "\n".join([*pieces, *text.handwritten(contract)])


def replace(old: Contract, new: Contract, warehouse: str) -> str:
    """A new declaration. The table stands until the next run writes what differs, or is made anew where it must be."""
    if new["kind"] == old["kind"] == "calendar":
        return "\n".join([text.drop_handwritten(old), calendars.replace(new, warehouse), *text.handwritten(new)])
    if consequence(old, new) == "anew":
        return "\n".join([*_made_anew(old, new, warehouse), _take_everything(new)])
    changed = consequence(old, new) == "rebuild"
    pieces = [_drop_routines(old), _alter(old, new), _routines(new), _metadata(new, warehouse), *text.handwritten(new)]
    if changed:
        pieces = [by_sums.drop(old), *pieces, by_sums.create(new), _take_everything(new)]
    return "\n".join(pieces)


def consequence(old: Contract, new: Contract) -> str:
    """What a new declaration means for the rows: the table is made `anew`, the next run is a `rebuild`, or nothing."""
    if _shape(old) != _shape(new) or new["kind"] == "materialized_view":
        return "anew"
    asked = [{name: value for name, value in one.items() if name not in PRESENTATION} for one in (old, new)]
    return "" if asked[0] == asked[1] else "rebuild"


def _made_anew(old: Contract, new: Contract, warehouse: str) -> list[str]:
    """A dimension's new keys are none of the old ones: facts hold those until they are loaded."""
    pieces = [_drop(old), create(new, warehouse)]
    if not (stars.is_dimension(old) and stars.is_dimension(new)):
        return pieces
    last = f"(SELECT greatest(max({ident(old['surrogate'])}), 0) + 1 FROM {text.relation(old)})"
    sequence = f"pg_get_serial_sequence({literal(text.relation(new))}, {literal(new['surrogate'])})"
    return [
        f"SELECT set_config('assay.next_key', {last}::text, true);\n",
        *pieces,
        f"SELECT setval({sequence}, current_setting('assay.next_key')::bigint, false);\n",
    ]


def take_away(contract: Contract) -> str:
    """A table that is about to be put anew: what is known of it stays."""
    return _drop(contract)


def put(contract: Contract, warehouse: str) -> str:
    """A table that was taken away, as it is declared; the next run fills it."""
    return "\n".join([create(contract, warehouse), _take_everything(contract)])


def remove(contract: Contract) -> str:
    """Takes the table away. Nothing is lost: its query can make it again."""
    return text.unregister(contract) + _drop(contract)


def _shape(contract: Contract) -> tuple[object, ...]:
    """What cannot be altered in place."""
    return contract["kind"], contract["grain"], contract.get("surrogate"), contract.get("partition")


def _drop(contract: Contract) -> str:
    if contract["kind"] == "calendar":
        return text.drop_handwritten(contract) + calendars.drop(contract)
    what = "MATERIALIZED VIEW" if contract["kind"] == "materialized_view" else "TABLE"
    released = f"CALL dwh_etl.release_references({literal(text.relation(contract))});\n"
    if not stars.is_dimension(contract):
        released = ""
    return f"{_drop_routines(contract)}{released}{by_sums.drop(contract)}DROP {what} {text.relation(contract)};\n"


def _drop_routines(contract: Contract) -> str:
    dropped = [f"DROP PROCEDURE {text.routine(contract, verb)}(uuid);" for verb in ("load", "rebuild")]
    generated = "".join(f"{line}\n" for line in [*dropped, *checks.drop(contract)])
    return text.drop_handwritten(contract) + origins.drop(contract) + generated


def _take_everything(contract: Contract) -> str:
    return f"UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = {literal(text.target(contract))};\n"


def _alter(old: Contract, new: Contract) -> str:
    """Columns, generated columns, indexes and constraints, from one declaration to the next."""
    table, before, after = text.relation(new), stars.names(old), stars.names(new)
    lost = [column for column in old.get("generated", []) if column not in new.get("generated", [])]
    made = [column for column in new.get("generated", []) if column not in old.get("generated", [])]
    gone = [f"DROP INDEX gold.{ident(name)};\n" for name in old.get("indexes", {})]
    gone += [f"ALTER TABLE {table} DROP CONSTRAINT {ident(name)};\n" for name in old.get("constraints", {})]
    if old.get("dimensions") != new.get("dimensions"):
        gone.append(f"CALL dwh_etl.drop_references({literal(table)});\n")
    lost_names = [column["name"] for column in lost] + [name for name in before if name not in after]
    gone += [f"ALTER TABLE {table} DROP COLUMN {ident(name)};\n" for name in lost_names]
    gone += [
        f"ALTER TABLE {table} ALTER COLUMN {ident(name)} DROP NOT NULL;\n"
        for name in stars.never_null_columns(old)
        if name in after and name not in stars.never_null_columns(new)
    ]
    come = []
    if before != after:
        come.append(f"{stars.shape(new)}CALL dwh_etl.add_columns({literal(table)});\nDROP TABLE {stars.SHAPE};\n")
    come += [f"ALTER TABLE {table} ADD COLUMN {generated_column(column)};\n" for column in made]
    come += [
        f"ALTER TABLE {table} ADD CONSTRAINT {ident(name)} CHECK ({how}) NOT VALID;\n"
        for name, how in new.get("constraints", {}).items()
    ]
    return "".join([*gone, *come, *stars.indexes(new).values()])


def _routines(contract: Contract) -> str:
    made = [differences.load(contract), rebuild(contract), *checks.routine(contract), *origins.create(contract)]
    return "\n".join(made)


def rebuild(contract: Contract) -> str:
    return text.procedure(
        text.routine(contract, "rebuild"),
        "in_batch_id uuid DEFAULT NULL",
        "",
        f"{_take_everything(contract)}CALL {text.routine(contract, 'load')}(in_batch_id);",
        f"Computes {text.target(contract)} although nothing waits for it. Takes the run's id. Locks the table's row in "
        "dwh_lineage.targets.",
    )


def _metadata(contract: Contract, warehouse: str) -> str:
    query = Query(contract["query"])
    routines: dict[str, str | None] = {
        **{f"{verb}_routine": text.routine(contract, verb) for verb in ("load", "rebuild")},
        "origins_routine": origins.routine(contract),
    }
    registered = text.register(contract, warehouse, text.relation(contract), routines)
    edges = [
        (source, source_column, column, expression, "DIRECT", column in contract["grain"])
        for column, source, source_column, expression in query.column_sources()
    ]
    for made in contract.get("generated", []):
        read = columns_of(made["expression"])
        edges += [
            (source, source_column, made["name"], made["expression"], "DIRECT", False)
            for source, source_column, column, _expression, _kind, _key in list(edges)
            if column in read
        ]
    inputs = text.inputs(contract, query.tables()) + by_keys.images(contract)
    return "\n".join([registered, stated.stated(contract), inputs, declared(text.target(contract), edges)])
