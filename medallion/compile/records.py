"""Bronze tables of JSON: the routine that makes rows of records, whoever brings them: a file, an API, a call."""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.sources import json_path


def documents(contract: Contract) -> list[str]:
    """The columns that hold JSON: what nobody declared, and where records are JSON, each as it arrived."""
    return ["_extra", *(["_raw_payload"] if contract.get("records") else [])]


def land(contract: Contract) -> str:
    """`dwh_etl.land_bronze_x(batch, rows, unreadable)`, where the table's records are JSON."""
    if not contract.get("records"):
        return ""
    columns = {column["name"]: column.get("headers", [column["name"]]) for column in contract["columns"]}
    path = _path(contract["explode"]) if contract.get("explode") else "NULL"
    return text.procedure(
        text.routine(contract, "land"),
        "in_batch_no bigint, INOUT io_rows bigint, INOUT io_unreadable bigint",
        "",
        f"""\
INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)
SELECT in_batch_no, j.record_no, j.line_no, convert_to(j.raw, 'UTF8'), j.reason
FROM (SELECT a.*, dwh_etl.json_fault(a.raw, {path}) AS reason FROM pg_temp.arriving AS a OFFSET 0) AS j
WHERE j.reason IS NOT NULL;
GET DIAGNOSTICS io_unreadable = ROW_COUNT;
IF io_unreadable > 0 THEN
    DELETE FROM pg_temp.arriving AS a WHERE dwh_etl.json_fault(a.raw, {path}) IS NOT NULL;
END IF;

INSERT INTO {ident("bronze", contract["name"] + "_rows")} ({text.names(columns)}, _raw_payload)
SELECT
{text.lines([*(_value(paths) for paths in columns.values()), "e.item"])}
-- OFFSET 0: each record is read once, not once for each column.
FROM (SELECT a.record_no, a.raw::jsonb AS record FROM pg_temp.arriving AS a OFFSET 0) AS r
{_elements(path)}
ORDER BY r.record_no, e.position;
GET DIAGNOSTICS io_rows = ROW_COUNT;""",
        f"Makes rows of {text.target(contract)} of the records in pg_temp.arriving (record_no, line_no, raw), in their "
        "order, for the batch that this transaction has begun; keeps what is no record as it stands. Gives the numbers "
        "of both.",
    )


def drop(contract: Contract) -> str:
    """Takes the routine away."""
    return f"DROP PROCEDURE {text.routine(contract, 'land')};\n" if contract.get("records") else ""


def _elements(path: str) -> str:
    if path == "NULL":
        return "CROSS JOIN LATERAL (SELECT r.record AS item, 1 AS position) AS e"
    there = f"r.record #> {path}"
    return (
        f"CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof({there}) = 'array' THEN {there} END)\n"
        "    WITH ORDINALITY AS e (item, position)"
    )


def _value(paths: list[str]) -> str:
    """The text at the first of a column's paths that leads to a value. `^`: from the record around an element."""
    found = []
    for path in paths:
        around = path.startswith("^")
        inside = path[1:].removeprefix(".") if around else path
        found.append(f"{'r.record' if around else 'e.item'} #>> {_path(inside)}")
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _path(path: str) -> str:
    keys = ", ".join(literal(key) for key in json_path(path))
    return f"ARRAY[{keys}]::text[]"
