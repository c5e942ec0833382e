"""What is wrong with the star of a declaration: keys, dimensions, partitions, calendars."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import date

from medallion import declaration, gold
from medallion.affected import Whole
from medallion.calendar import holidays_between
from medallion.compile import by_keys
from medallion.compile.lineage import columns_of
from medallion.query import QueryError

#: (what is wrong, what to do, number of the check).
Finding = tuple[str, str, str]


def findings(table: type[declaration.Table], names: list[str]) -> Iterator[Finding]:
    """What is wrong with a gold table whose query gives `names`."""
    if not issubclass(table, gold.Table):
        return
    known = f"There are: {', '.join(names)}."
    for name in table.options(table.parsed())["required"]:
        if name not in names:
            yield f"required names {name}, which {table.query} does not give.", known, "E070"
    for name in table.parsed().qualified_columns(gold.surrogates()):
        yield f"{table.query} names the column {name}.", "Give the table an alias, and the column that.", "E071"
    for name, made in table.generated().items():
        if missing := [column for column in columns_of(made.expression) if column not in names]:
            yield f"The generated column {name} reads {missing[0]}, which {table.query} does not give.", known, "E070"
    if issubclass(table, gold.Dimension):
        yield from _dimension(table, names)
    elif issubclass(table, gold.Fact):
        yield from _fact(table, names)
    elif issubclass(table, gold.MaterializedView):
        yield from _view(table)


def _dimension(table: type[gold.Dimension], names: list[str]) -> Iterator[Finding]:
    if not table.surrogate:
        yield "A dimension needs a surrogate key.", 'Add: surrogate = "customer_key".', "E072"
    missing = [name for name in ("valid_to", "is_current") if name not in names]
    if "valid_from" in table.grain_columns() and missing:
        yield (
            f"With valid_from in its key it has versions, but {table.query} gives no {' and no '.join(missing)}.",
            "Select it from the SCD2 table, or leave valid_from out of the key.", "E073",
        )  # fmt: skip


def _fact(table: type[gold.Fact], names: list[str]) -> Iterator[Finding]:
    for name, dimension in table.dimensions.items():
        if name not in names:
            yield (
                f"dimensions names {name}, which {table.query} does not give.",
                f"There are: {', '.join(names)}.",
                "E074",
            )
        if not issubclass(dimension, gold.Dimension | gold.Calendar):
            yield f"{name} is no key of {dimension.target}: that is no dimension.", "Leave it out.", "E074"
    if table.partition_by is not None and table.partition_by not in names:
        yield f"partition_by names {table.partition_by}, which {table.query} does not give.", "Name a date.", "E075"
    if table.partition_every not in ("year", "month"):
        yield f"Its partition_every is {table.partition_every!r}.", "Write year or month.", "E075"
    if issubclass(table, gold.Snapshot) and table.period not in table.grain_columns():
        yield f"Its period {table.period} is not in its grain.", "Each period has rows of its own: add it.", "E076"


def _view(table: type[gold.MaterializedView]) -> Iterator[Finding]:
    said = {"required": table.required, "constraints": table.constraints, "checks": table.checks,
            "surrogate": table.surrogate, "generated columns": table.generated()}  # fmt: skip
    for name, value in said.items():
        if value:
            yield f"A materialized view has no {name}.", "Leave it out, or declare an Aggregate.", "E077"


def calendar(table: type[gold.Calendar]) -> Iterator[Finding]:
    """What is wrong with a calendar."""
    try:
        if date.fromisoformat(table.first) > date.fromisoformat(table.last):
            yield "It ends before it begins.", "Exchange first and last.", "E078"
        if not 1 <= table.fiscal_year_starts <= 12:
            yield f"fiscal_year_starts is {table.fiscal_year_starts}.", "Write a month, 1 to 12.", "E078"
        if table.country:
            holidays_between(table.country, table.first, table.last)
    except ValueError:
        yield f"{table.first} to {table.last} are no days.", 'Write first = "2020-01-01".', "E078"
    except NotImplementedError as error:
        yield f"Nobody knows the holidays of {table.country}: {error}.", 'Write "DE", "US" or "DE-BY".', "E078"


def computed_in_full(tables: Mapping[str, type[declaration.Table]]) -> dict[str, str]:
    """Those of some tables that no load computes by keys, and why. A view is refreshed, and a calendar has no query."""
    found = {}
    for name, table in tables.items():
        if issubclass(table, gold.Table) and table.kind in by_keys.WRITTEN and table.query_path().exists():
            with contextlib.suppress(QueryError):  # which the checks report
                if isinstance(why := by_keys.of(table.contract()), Whole):
                    found[name] = str(why)
    return found
