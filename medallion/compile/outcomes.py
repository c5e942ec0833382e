"""The accounting line, row by row: what became of each bronze row in one silver table.

Computed from the rows themselves, not from counters. A row without an outcome (NULL) is a gap; so is a row that is both
in the table and in quarantine.
"""

from __future__ import annotations

from medallion.compile import absence, evaluate, horizon, overlay, references, text
from medallion.compile.fold import attributes, effective, event_columns, tracked, winners
from medallion.compile.text import Contract
from medallion.naming import ident, literal


def append(contract: Contract) -> str:
    """`dwh_etl.outcomes_silver_x()` of an append table."""
    return _function(
        contract,
        f"""\
SELECT r._bronze_id, CASE
    {_shared(contract, "s._source_bronze_id IS NOT NULL")}
    WHEN s._source_bronze_id IS NOT NULL THEN 'current'
    {_left(contract)}
END
FROM {_bronze(contract)} AS r
LEFT JOIN {text.relation(contract)} AS s ON s._source_bronze_id = r._bronze_id
{_joins(contract)}""",
    )


def scd2(contract: Contract) -> str:
    """`dwh_etl.outcomes_silver_x()` of an SCD2 table: it folds all histories and compares them with the table."""
    key, values = contract["key"], attributes(contract)
    said = f"{text.row(['_deleted', *values], 'e')} IS NOT DISTINCT FROM {text.row(['_deleted', *values], 'w')}"
    told = tracked(contract)
    lagged = ", ".join(f"lag(x.{ident(name)}) OVER history AS {ident('was.' + name)}" for name in told)
    was = f"ROW({', '.join('c.' + ident('was.' + name) for name in told)})"
    winner = winners(contract, "(SELECT v.* FROM events AS v WHERE v._live)").replace("\n", "\n        ")
    last, stands = _one_row(contract) if contract["kind"] == "scd1" else _versions(contract)
    return _function(
        contract,
        f"""\
{_events(contract)}
), moments AS MATERIALIZED (
    -- One row for each key and time; _changes: the history must have a version that begins there, or end there.
    SELECT c._effective, c._deleted, c._bronze_id, {text.names([*key, *values], "c")},
        c._deleted <> coalesce(c._was_absent, true)
            OR (NOT c._deleted AND {text.row(told, "c")} IS DISTINCT FROM {was}) AS _changes
    FROM (
        SELECT x.*, lag(x._deleted) OVER history AS _was_absent, {lagged}
        FROM (
        {winner}
        ) AS x
        WINDOW history AS (PARTITION BY {text.names(key, "x")} ORDER BY x._effective)
    ) AS c
), said AS (
    SELECT e._bronze_id, CASE
        WHEN {last} AND NOT w._deleted AND s._source_bronze_id IS NULL THEN NULL
        -- Two deletes say the same, whatever values they carry.
        WHEN e._deleted AND w._deleted THEN 'deleted'
        {stands}
        WHEN NOT ({said}) THEN 'superseded'
        ELSE 'unchanged'
    END AS outcome
    FROM events AS e
    JOIN moments AS w ON {text.equal([*key, "_effective"], "w", "e")}
    LEFT JOIN {text.relation(contract)} AS s
        ON {text.equal(key, "s", "e")} AND {_begins(contract)} = e._effective AND w._changes
    WHERE e._live
    UNION ALL
    -- Before the horizon nothing is folded again; the row that says what holds there is in the base.
    SELECT e._bronze_id, {_frozen(contract)}
    FROM events AS e
    WHERE NOT e._live
        AND NOT EXISTS (SELECT 1 FROM {horizon.base(contract)} AS z WHERE z._bronze_id = e._bronze_id)
)
SELECT r._bronze_id, CASE
    {_shared(contract, "d.outcome IN ('current', 'history')")}
    WHEN d._bronze_id IS NOT NULL THEN d.outcome
    {_left(contract)}
END
FROM {_bronze(contract)} AS r
LEFT JOIN said AS d ON d._bronze_id = r._bronze_id
{_joins(contract)}""",
    )


def _events(contract: Contract) -> str:
    """The CTE of all events, left open."""
    taken = f"""{text.not_skipped(contract, "v")} AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.pendings AS p
        WHERE p.consumer = {literal(text.target(contract))} AND p.batch_no = v._batch_no
    )"""
    evaluation = f"{text.routine(contract, 'evaluate')}(NULL, NULL)"
    columns = [*contract["key"], *attributes(contract)]
    live = f"{horizon.is_live(contract, effective(contract, 'v'))} AS _live"
    base = horizon.events(contract, columns).replace("\nFROM", ", true\nFROM")
    if not absence.is_full(contract):
        return f"""\
WITH events AS MATERIALIZED (
    SELECT {", ".join([*event_columns(contract, "v"), live])}
    FROM {evaluation} AS v
    JOIN dwh_lineage.batches AS b ON b.batch_no = v._batch_no
    WHERE v._broken IS NULL AND {taken}
    UNION ALL
{text.indented(base)}"""
    return f"""\
WITH evaluated AS MATERIALIZED (
    SELECT v.* FROM {evaluation} AS v
    WHERE {taken}
), extracts AS MATERIALIZED (
{text.indented(absence.extracts(contract, taken=False))}
), present AS MATERIALIZED (
{text.indented(absence.present(contract, "evaluated"))}
), events AS MATERIALIZED (
    SELECT {", ".join([*event_columns(contract, "v"), live])}
    FROM evaluated AS v
    JOIN dwh_lineage.batches AS b ON b.batch_no = v._batch_no
    WHERE v._broken IS NULL
    UNION ALL
{text.indented(base)}
    UNION ALL
    SELECT a.*, true
    FROM (
{text.indented(absence.absent(contract, columns), 2)}
    ) AS a"""


def _frozen(contract: Contract) -> str:
    """What became of an event before the horizon that is not in the base."""
    if contract["kind"] == "scd1":
        return "'frozen'"
    began = f"SELECT 1 FROM {text.relation(contract)} AS s WHERE s._source_bronze_id = e._bronze_id"
    return f"CASE WHEN EXISTS ({began}) THEN 'history' ELSE 'frozen' END"


def _begins(contract: Contract) -> str:
    return f"s.{ident(contract.get('effective') or '_since')}" if contract["kind"] == "scd1" else "s.valid_from"


def _versions(contract: Contract) -> tuple[str, str]:
    """(which moments must have a row of the table, what became of the event that a row stems from) of an SCD2 table."""
    return (
        "w._changes",
        "WHEN s._source_bronze_id = e._bronze_id AND s.is_current THEN 'current'\n"
        "        WHEN s._source_bronze_id = e._bronze_id THEN 'history'",
    )


def _one_row(contract: Contract) -> tuple[str, str]:
    """The same of an SCD1 table: only the last change of a key stands."""
    later = f"SELECT 1 FROM moments AS l WHERE {text.equal(contract['key'], 'l', 'w')}"
    return (
        f"w._changes AND NOT EXISTS ({later} AND l._changes AND l._effective > w._effective)",
        "WHEN s._source_bronze_id = e._bronze_id THEN 'current'\n"
        "        WHEN w._changes AND w._bronze_id = e._bronze_id THEN 'superseded'",
    )


def _bronze(contract: Contract) -> str:
    """The rows with what the rest needs of them, and nothing else: a user's column may have any name."""
    if not contract.get("where"):
        return ident("bronze", contract["source"].split(".")[1] + "_rows")
    return (
        f"(SELECT r._bronze_id, r._batch_no, {evaluate.wanted(contract)} AS _wanted\n"
        f"FROM {overlay.effective(contract)} AS r)"
    )


def _shared(contract: Contract, landed: str) -> str:
    return f"""WHEN p.batch_no IS NOT NULL THEN 'waiting'
    WHEN k.batch_no IS NOT NULL THEN CASE WHEN {landed} THEN NULL ELSE 'skipped' END
    WHEN x.state IN ('open', 'proposed', 'queued') THEN CASE WHEN {landed} THEN NULL ELSE 'quarantined' END
    WHEN x.state = 'rejected' THEN CASE WHEN {landed} THEN NULL ELSE 'rejected' END"""


def _left(contract: Contract) -> str:
    """What became of the rows that are nowhere."""
    excluded = "WHEN NOT r._wanted THEN 'excluded'\n    " if contract.get("where") else ""
    # Its parent may be gone, which the table has not yet been told.
    told = f"\n    WHEN {references.waits(contract)} THEN 'waiting'" if references.parents(contract) else ""
    return f"{excluded}WHEN x.state = 'superseded' THEN 'superseded'{told}"


def _joins(contract: Contract) -> str:
    target = literal(text.target(contract))
    return (
        f"LEFT JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = {target} AND x.bronze_id = r._bronze_id\n"
        f"LEFT JOIN dwh_lineage.pendings AS p ON p.consumer = {target} AND p.batch_no = r._batch_no\n"
        f"LEFT JOIN dwh_lineage.skips AS k ON k.consumer = {target} AND k.batch_no = r._batch_no"
    )


def _function(contract: Contract, query: str) -> str:
    return f"""\
-- What became of each row of {contract["source"]} in {text.target(contract)}: exactly one outcome a row; NULL is a gap.
-- Reads the rows themselves. No side effects.
CREATE OR REPLACE FUNCTION {text.routine(contract, "outcomes")}()
RETURNS TABLE (bronze_id bigint, outcome text)
LANGUAGE sql
STABLE
{text.PINNED}
AS $routine$
{query}
$routine$;
"""
