"""Pieces that the loads and rebuilds of all silver tables share."""

from __future__ import annotations

import textwrap

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import literal

REJECT = """\
DROP TABLE IF EXISTS pg_temp.rejected;
CREATE TEMP TABLE rejected ON COMMIT DROP AS
SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
    e._source_data AS source_data
FROM pg_temp.evaluated AS e
WHERE e._broken IS NOT NULL;
"""


def land(contract: Contract, why: str, rows: str = "pg_temp.evaluated") -> str:
    """Closes the exceptions of evaluated rows that pass now."""
    return f"""\
DROP TABLE IF EXISTS pg_temp.passed;
CREATE TEMP TABLE passed ON COMMIT DROP AS
SELECT e._bronze_id AS bronze_id FROM {rows} AS e WHERE e._broken IS NULL;
PERFORM dwh_lineage.land_exceptions({literal(text.target(contract))}, l_load.load_batch, {literal(why)});
"""


def land_again(contract: Contract) -> str:
    """Closes the exceptions of a load's rows that pass now. Only a batch that was looked at before has exceptions: one
    that is loaded again, or one that a gate held back."""
    target = literal(text.target(contract))
    seen = f"""EXISTS (
    SELECT 1 FROM dwh_lineage.batch_inputs AS i
    JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
    WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = {target} AND b.batch_no <> l_load.load_batch
)"""
    held = "true" if "max_rejected" in contract else seen
    landing = textwrap.indent(land(contract, "holds its rules now"), text.INDENT)
    return f"IF {held} THEN\n{landing}END IF;\n"


def evaluated(contract: Contract, batches: str) -> str:
    """Evaluates the rows of some batches (NULL: of all but the skipped), once, into a temporary table."""
    where = f"\nWHERE {text.not_skipped(contract, 'v')}" if batches == "NULL" else ""
    return f"""\
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
