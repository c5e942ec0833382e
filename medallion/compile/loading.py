"""Pieces that the loads and rebuilds of all silver tables share."""

from __future__ import annotations

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

LAND = """\
DROP TABLE IF EXISTS pg_temp.passed;
CREATE TEMP TABLE passed ON COMMIT DROP AS
SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
PERFORM dwh_lineage.land_exceptions({target}, l_load.load_batch, 'holds the rules of the rebuild');
"""


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
