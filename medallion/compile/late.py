"""often_late: how the bronze rows of a late event's key are found by an index, instead of by reading all of them.

Where lateness is rare, the index would cost more at each ingestion than the scans that it spares. What it finds may be
too much (two keys with one beginning, a row that a correction gave another key), never too little: the evaluation asks
each row for its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal

#: The type of a key column → the routine that casts its text within an index; text stands for itself.
_CASTS = {"smallint": "bigint", "integer": "bigint", "bigint": "bigint", "numeric": "numeric", "uuid": "uuid"}
#: An index takes no long texts.
_LONGEST = 200


def can_be_indexed(column: Mapping[str, Any]) -> bool:
    """Whether the index can hold a key column: a cast of it must say the same whatever the session's settings."""
    return column["type"] == "text" or column["type"] in _CASTS


def create(contract: Contract) -> str:
    """The indexes, where the table declares that lateness is common."""
    if not contract.get("often_late"):
        return ""
    rows, key_index, id_index = _names(contract)
    indexed = ", ".join(f"({expression})" for expression, _ in _pairs(contract, ""))
    return f"CREATE INDEX {key_index} ON {rows} ({indexed});\nCREATE INDEX {id_index} ON {rows} (_bronze_id);\n"


def drop(contract: Contract) -> str:
    """Takes the indexes away. Without their table they are gone already."""
    if not contract.get("often_late"):
        return ""
    _, *indexes = _names(contract)
    return "".join(f"DROP INDEX IF EXISTS {ident('bronze')}.{index};\n" for index in indexes)


def changes(old: Contract, new: Contract) -> list[str]:
    """The statements before and after the columns change, where the indexes do."""
    return [drop(old), create(new)] if create(old) != create(new) else ["", ""]


def evaluated(contract: Contract) -> str:
    """All events of the keys in l_late, whose values are in pg_temp.touched, as a call of the table's evaluation."""
    if not contract.get("often_late"):
        return f"{text.routine(contract, 'evaluate')}(NULL, l_late)"
    return f"{text.routine(contract, 'evaluate')}(NULL, l_late, l_late_rows)"


def declared(contract: Contract) -> str:
    """The variable of `find`, for the load's DECLARE."""
    return "\nl_late_rows bigint[];" if contract.get("often_late") else ""


def find(contract: Contract) -> str:
    """Finds the rows of the late keys in pg_temp.touched, and those that a correction may have made theirs."""
    if not contract.get("often_late"):
        return ""
    rows, *_ = _names(contract)
    asked = "\n            AND ".join(f"{expression} = {value}" for expression, value in _pairs(contract, "t"))
    return f"""\
l_late_rows := ARRAY(
    SELECT f._bronze_id
    FROM pg_temp.touched AS t
    CROSS JOIN LATERAL (
        SELECT _bronze_id FROM {rows}
        WHERE {asked}
        OFFSET 0
    ) AS f
    WHERE t._late
    UNION
    SELECT c.bronze_id FROM dwh_lineage.effective_corrections AS c WHERE c.target = {literal(text.target(contract))}
);
"""


def _names(contract: Contract) -> tuple[str, str, str]:
    """The bronze rows, the index of their keys, that of their numbers."""
    name = contract["name"]
    rows = ident("bronze", contract["source"].split(".")[1] + "_rows")
    return rows, ident(f"{name}_late_key"), ident(f"{name}_late_row")


def _pairs(contract: Contract, alias: str) -> Iterator[tuple[str, str]]:
    """Of each key column: what the index holds, and the same of a row of typed values."""
    columns = {column["name"]: column for column in contract["columns"]}
    for name in contract["key"]:
        expression, typed = columns[name]["expression"], f"{alias}.{ident(name)}"
        if columns[name]["type"] == "text":
            yield f"left({expression}, {_LONGEST})", f"left({typed}, {_LONGEST})"
        else:
            routine = f"dwh_etl.index_{_CASTS[columns[name]['type']]}"
            yield f"{routine}(nullif(btrim({expression}), ''))", typed
