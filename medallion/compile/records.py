"""Bronze tables of JSON: the routine that makes rows of records, whoever brings them: a file, an API, a call."""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.sources import json_path

#: The columns that a change event has itself → how they are read from it.
_OF_EVENTS = {
    "_cdc_operation": "v.event ->> 'op'",
    "_cdc_timestamp": "dwh_etl.cdc_timestamp(v.event)",
    "_cdc_lsn": "dwh_etl.cdc_lsn(v.event -> 'source')",
    "_cdc_table": "concat_ws('.', nullif(v.event #>> '{source,schema}', ''), coalesce(v.event #>> '{source,table}', "
    "v.event #>> '{source,collection}'))",
}


def documents(contract: Contract) -> list[str]:
    """The columns that hold JSON: what nobody declared, and where records are JSON, each as it arrived."""
    if has_events(contract):
        return ["_extra", "_raw_payload", "before_data", "after_data"]
    return ["_extra", *(["_raw_payload"] if contract.get("records") else [])]


def has_events(contract: Contract) -> bool:
    """Whether the records are change events."""
    return "event" in (contract.get("records") or {})


def land(contract: Contract) -> str:
    """`dwh_etl.land_bronze_x(batch, rows, unreadable)`, where the table's records are JSON."""
    if not contract.get("records"):
        return ""
    if has_events(contract):
        fault, insert = f"dwh_etl.cdc_fault(a.raw, {_keys(contract['records']['event'])})", _events(contract)
    else:
        path = _path(contract["explode"]) if contract.get("explode") else "NULL"
        fault, insert = f"dwh_etl.json_fault(a.raw, {path})", _elements(contract, path)
    return text.procedure(
        text.routine(contract, "land"),
        "in_batch_no bigint, INOUT io_rows bigint, INOUT io_unreadable bigint",
        "",
        f"""\
INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)
SELECT in_batch_no, j.record_no, j.line_no, convert_to(j.raw, 'UTF8'), j.reason
FROM (SELECT a.*, {fault} AS reason FROM pg_temp.arriving AS a OFFSET 0) AS j
WHERE j.reason IS NOT NULL;
GET DIAGNOSTICS io_unreadable = ROW_COUNT;
IF io_unreadable > 0 THEN
    DELETE FROM pg_temp.arriving AS a WHERE {fault} IS NOT NULL;
END IF;

{insert}
GET DIAGNOSTICS io_rows = ROW_COUNT;""",
        f"Makes rows of {text.target(contract)} of the records in pg_temp.arriving (record_no, line_no, raw), in their "
        "order, for the batch that this transaction has begun; keeps what is no record as it stands. Gives the numbers "
        "of both.",
    )


def kept(contract: Contract, column: Contract) -> str | None:
    """SQL of a column's value for a row r that is there already, out of the record that it has kept. None where that
    has nothing of it: the record around an element is not kept."""
    if has_events(contract):
        event = _keys(contract["records"]["event"])
        value = _OF_EVENTS.get(column["name"]) or _event_value(column)
        return (
            f"(SELECT {value} FROM (SELECT s.*, dwh_etl.cdc_row(s.event -> s.side) AS changed FROM ("
            f"SELECT e.*, CASE e.event ->> 'op' WHEN 'd' THEN 'before' ELSE 'after' END AS side FROM ("
            f"SELECT dwh_etl.cdc_event(r._raw_payload, {event}) AS event, "
            f"r._raw_payload #> {event} -> 'schema' AS schema) AS e) AS s) AS v)"
        )
    paths = column.get("headers", [column["name"]])
    inside = [path for path in paths if not path.startswith("^")]
    return f"({_value(inside, 'r._raw_payload')})" if inside else None


def drop(contract: Contract) -> str:
    """Takes the routine away."""
    return f"DROP PROCEDURE {text.routine(contract, 'land')};\n" if contract.get("records") else ""


def _elements(contract: Contract, path: str) -> str:
    """Records as rows, or the elements of a list in each."""
    columns = {column["name"]: column.get("headers", [column["name"]]) for column in contract["columns"]}
    there = f"r.record #> {path}"
    each = "CROSS JOIN LATERAL (SELECT r.record AS item, 1 AS position) AS e"
    if path != "NULL":
        each = (
            f"CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof({there}) = 'array' THEN {there} END)\n"
            "    WITH ORDINALITY AS e (item, position)"
        )
    return f"""\
INSERT INTO {_rows(contract)} ({text.names(columns)}, _raw_payload)
SELECT
{text.lines([*(_value(paths) for paths in columns.values()), "e.item"])}
-- OFFSET 0: each record is read once, not once for each column.
FROM (SELECT a.record_no, a.raw::jsonb AS record FROM pg_temp.arriving AS a OFFSET 0) AS r
{each}
ORDER BY r.record_no, e.position;"""


def _events(contract: Contract) -> str:
    """Change events as rows: what a row is after its change or, when it is deleted, was before."""
    event = _keys(contract["records"]["event"])
    declared = [column for column in contract["columns"] if column["name"] not in _OF_EVENTS]
    names = [*_OF_EVENTS, *(column["name"] for column in declared)]
    values = [*_OF_EVENTS.values(), *map(_event_value, declared)]
    return f"""\
INSERT INTO {_rows(contract)} (
    {text.names(names)}, before_data, after_data, _raw_payload
)
SELECT
{text.lines([*values, "v.before", "v.after", "v.record"])}
FROM (
    SELECT s.*, CASE s.side WHEN 'before' THEN s.before ELSE s.after END AS changed
    FROM (
        SELECT e.*, CASE e.event ->> 'op' WHEN 'd' THEN 'before' ELSE 'after' END AS side,
            dwh_etl.cdc_row(e.event -> 'before') AS before, dwh_etl.cdc_row(e.event -> 'after') AS after
        FROM (
            SELECT r.*, dwh_etl.cdc_event(r.record, {event}) AS event, r.record #> {event} -> 'schema' AS schema
            -- OFFSET 0: each record is read once, not once for each column.
            FROM (SELECT a.record_no, a.raw::jsonb AS record FROM pg_temp.arriving AS a OFFSET 0) AS r
            OFFSET 0
        ) AS e
        OFFSET 0
    ) AS s
    OFFSET 0
) AS v
ORDER BY v.record_no;"""


def _event_value(column: dict[str, object]) -> str:
    """A value of the changed row. What its schema says of its type counts before what is declared."""
    paths: list[str] = column.get("headers", [column["name"]])  # type: ignore[assignment]
    encoded: dict[str, object] = column.get("encoded", {})  # type: ignore[assignment]
    found = []
    for path in paths:
        keys, value = json_path(path), f"v.changed #> {_path(path)}"
        named = f"dwh_etl.cdc_type(v.schema, v.side, {literal(keys[0] if keys else '')})"
        said, scale = literal(encoded.get("type")), literal(encoded.get("scale"))
        if len(keys) == 1:
            found.append(
                f"dwh_etl.cdc_text({value}, coalesce({named} ->> 'name', {said}), "
                f"coalesce(({named} #>> '{{parameters,scale}}')::integer, {scale}))"
            )
        else:
            found.append(f"dwh_etl.cdc_text({value}, {said}, {scale})")
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _rows(contract: Contract) -> str:
    return ident("bronze", contract["name"] + "_rows")


def _value(paths: list[str], item: str = "e.item") -> str:
    """The text at the first of a column's paths that leads to a value. `^`: from the record around an element."""
    found = []
    for path in paths:
        around = path.startswith("^")
        inside = path[1:].removeprefix(".") if around else path
        found.append(f"{'r.record' if around else item} #>> {_path(inside)}")
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def _path(path: str) -> str:
    return _keys(json_path(path))


def _keys(keys: list[str]) -> str:
    return f"ARRAY[{', '.join(literal(key) for key in keys)}]::text[]"
