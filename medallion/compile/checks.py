"""A table's checks: measured on what a load has computed, before anybody sees it.

A check that fails raises AS070. What was measured travels in the error, so that the executor can record it after the
load has been rolled back.
"""

from __future__ import annotations

from medallion.compile import by_keys, measures, text
from medallion.compile.stars import is_dimension, names
from medallion.compile.text import Contract
from medallion.naming import ident, literal

SIGNATURE = "bigint, bigint[]"
_MEASURED = "DROP TABLE IF EXISTS pg_temp.measured;\nCREATE TEMP TABLE measured ON COMMIT DROP AS\n"


def ask(contract: Contract, narrowed: bool = False) -> str:
    """Measures what a gold table's load has computed, raises AS070 where a check fails, and else records what was
    measured; nothing without checks. narrowed: where l_full is NULL, that is of some keys alone; then the rows that the
    load leaves as they are count too."""
    if not contract.get("checks"):
        return ""
    if narrowed:
        return by_keys.either(_measured(contract, _left(contract)), _measured(contract)) + _require(contract)
    return _measured(contract) + _require(contract)


def _left(contract: Contract) -> str:
    """The rows that a load by keys leaves as they are."""
    made = [column["name"] for column in contract.get("generated", [])]
    members = f"g._retired_at IS NULL AND g.{ident(contract['surrogate'])} > 0 AND " if is_dimension(contract) else ""
    return (
        f"SELECT {text.names([*names(contract), *made], 'g')} FROM {text.relation(contract)} AS g "
        f"WHERE {members}NOT {by_keys.is_touched(contract, 'g')}"
    )


def _measured(contract: Contract, left: str = "") -> str:
    generated = [f"({column['expression']}) AS {ident(column['name'])}" for column in contract.get("generated", [])]
    rows = f"SELECT {', '.join(['c.*', *generated])} FROM pg_temp.computed AS c"
    count = "l_computed"
    if left:
        rows, count = f"{rows}\nUNION ALL\n{left}", f"(l_computed + (SELECT count(*) FROM ({left}) AS s))"
    place = measures.Place(rows, count, "l_load.taken")
    named = measures.COLUMNS.replace(" text", "").replace(" numeric", "").replace(" jsonb", "")
    return f"{_MEASURED}SELECT * FROM (\n{measures.measured(contract, place)}\n) AS m ({named});\n"


def ask_table(contract: Contract) -> str:
    """The same of a silver table, as it stands when the load has written it."""
    if not contract.get("checks"):
        return ""
    routine = text.routine(contract, "checks")
    return f"{_MEASURED}SELECT * FROM {routine}(l_read, l_load.taken);\n{_require(contract)}"


def _require(contract: Contract) -> str:
    target = literal(text.target(contract))
    return (
        f"PERFORM dwh_etl.require_checks({target}, l_load.taken);\n"
        f"PERFORM dwh_etl.record_checks({target}, l_batch_id);\n"
    )


def routine(contract: Contract) -> list[str]:
    """`dwh_etl.checks_silver_x`, where there are checks."""
    if not contract.get("checks"):
        return []
    standing = f"SELECT s.* FROM {text.relation(contract)} AS s"
    if contract["kind"] == "dimension":
        standing += f" WHERE s._retired_at IS NULL AND s.{ident(contract['surrogate'])} > 0"
    measured = measures.measured(contract, measures.Place(standing, "in_read", "in_taken"))
    return [
        f"""\
-- What the checks of {text.target(contract)} measure on its rows as they stand. in_read: how many rows a load has read,
-- in_taken: which batches it takes; without them what is about a load measures nothing. No side effects.
CREATE OR REPLACE FUNCTION {text.routine(contract, "checks")}(
    in_read bigint DEFAULT NULL, in_taken bigint[] DEFAULT NULL
)
RETURNS TABLE ({measures.COLUMNS})
LANGUAGE sql
STABLE
{text.PINNED}
AS $routine$
{measured}
$routine$;
"""
    ]


def drop(contract: Contract) -> list[str]:
    """Takes that routine away."""
    if not contract.get("checks"):
        return []
    return [f"DROP FUNCTION {text.routine(contract, 'checks')}({SIGNATURE});"]
