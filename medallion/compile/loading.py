"""Pieces that the loads and rebuilds of all silver tables share."""

from __future__ import annotations

import textwrap

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal

REJECT = """\
DROP TABLE IF EXISTS pg_temp.rejected;
CREATE TEMP TABLE rejected ON COMMIT DROP AS
SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
    e._source_data AS source_data
FROM pg_temp.evaluated AS e
WHERE e._broken IS NOT NULL;
"""


def land(contract: Contract, why: str, rows: str = "pg_temp.evaluated", decision: str = "") -> str:
    """Closes the exceptions of evaluated rows that pass now. decision: SQL of the decision that is replayed."""
    passed = f"SELECT e._bronze_id AS bronze_id FROM {rows} AS e WHERE e._broken IS NULL"
    return _close(contract, "landed", why, passed, decision)


def set_aside(contract: Contract, among: str = "", decision: str = "") -> str:
    """Closes the exceptions of rows that the table does not take any more, whether they broke a rule or not: a
    correction made them what `where` leaves out, or the declaration leaves them out. among: a condition over x."""
    return _close(
        contract,
        "superseded",
        "the table does not take its row any more",
        f"""\
SELECT x.bronze_id
FROM dwh_lineage.quality_exceptions AS x
WHERE x.target_table = {literal(text.target(contract))} AND x.state IN ('open', 'proposed', 'queued'){among}
    AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id)""",
        decision,
    )


def _close(contract: Contract, state: str, why: str, rows: str, decision: str) -> str:
    decided = f", {decision}" if decision else ""
    return f"""\
DROP TABLE IF EXISTS pg_temp.closed;
CREATE TEMP TABLE closed ON COMMIT DROP AS
{rows};
PERFORM dwh_lineage.close_exceptions(
    {literal(text.target(contract))}, l_load.load_batch, {literal(state)}, {literal(why)}{decided}
);
"""


def settle(contract: Contract) -> str:
    """Closes, in a rebuild, the exceptions of all rows that pass now or are not taken any more."""
    return land(contract, "holds the rules of the rebuild") + set_aside(contract)


def land_again(contract: Contract) -> str:
    """Closes the exceptions of a load's rows that pass now. Only a batch that was looked at before has exceptions: one
    that is loaded again, or one that a gate held back."""
    target = literal(text.target(contract))
    seen = f"""EXISTS (
    SELECT 1 FROM dwh_lineage.batch_inputs AS i
    JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
    WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = {target} AND b.batch_no <> l_load.load_batch
)"""
    held = f"""{seen} OR EXISTS (
    SELECT 1 FROM dwh_lineage.batches AS b
    JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = {target} AND x.batch_no <> l_load.load_batch
        AND x.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
    WHERE b.batch_no = ANY (l_load.taken)
)"""
    closing = land(contract, "holds its rules now")
    if contract.get("where"):
        rows = ident("bronze", contract["source"].split(".")[1] + "_rows")
        closing += set_aside(
            contract,
            f"""
    AND EXISTS (
        SELECT 1 FROM {rows} AS b
        WHERE b._bronze_id = x.bronze_id AND b._batch_no = ANY (l_load.taken) AND b._bronze_id BETWEEN
            (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (l_load.taken))
            AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (l_load.taken))
    )""",
        )
    return f"IF {held} THEN\n{textwrap.indent(closing, text.INDENT)}END IF;\n"


def evaluated(contract: Contract, batches: str) -> str:
    """Evaluates the rows of some batches (NULL: of all but the skipped), once, into a temporary table; before, waivers
    that have expired end."""
    where = f"\nWHERE {text.not_skipped(contract, 'v')}" if batches == "NULL" else ""
    return f"""\
PERFORM dwh_lineage.end_waivers({literal(text.target(contract))});
DROP TABLE IF EXISTS pg_temp.evaluated;
CREATE TEMP TABLE evaluated ON COMMIT DROP AS
SELECT v.* FROM {text.routine(contract, "evaluate")}({batches}, NULL) AS v{where};
GET DIAGNOSTICS l_read = ROW_COUNT;
"""


def record(contract: Contract) -> str:
    """Puts the rows that are not good before people."""
    return (
        f"{REJECT}l_rejected := dwh_lineage.record_exceptions("
        f"{literal(text.target(contract))}, {literal(contract['source'])}, l_load.load_batch);\n"
    )


def finish(contract: Contract, counts: str) -> str:
    """Ends the load with its counts."""
    return (
        f"PERFORM dwh_lineage.finish_load(\n    l_load.load_batch, 'transform', "
        f"jsonb_build_object({literal(contract['source'])}, l_read), {counts}\n);\n"
    )
