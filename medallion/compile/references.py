"""Rules that refer to another table: a row without its parent is quarantined, and lands when the parent comes.

Such a table takes the batches of its parents, too. A batch that may have taken parents away evaluates everything again;
another one only the rows that wait for a parent. So the table is what bronze and its parents say, whichever came first.
"""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.loading import REJECT, evaluated, land
from medallion.compile.text import Contract
from medallion.naming import literal


def parents(contract: Contract) -> list[str]:
    """The tables to which the rules of a silver table refer."""
    found = [
        rule["table"]
        for column in contract["columns"]
        for rule in column.get("rules", [])
        if rule["kind"] == "references"
    ]
    return list(dict.fromkeys(found))


def waits(contract: Contract) -> str:
    """Whether a batch of a parent waits, as SQL."""
    return (
        "EXISTS (SELECT 1 FROM dwh_lineage.pendings AS q JOIN dwh_lineage.batches AS b ON b.batch_no = q.batch_no\n"
        f"    WHERE q.consumer = {literal(text.target(contract))} AND b.target = ANY ({literal(parents(contract))}))"
    )


def rebuild_first(contract: Contract, gates: str, checks: str) -> str:
    """Before a load: where parents may be gone, or where it cannot be said row by row, all is written anew, after a
    load's gates and before its checks."""
    if not parents(contract):
        return ""
    # Keys never change in place but in append tables, and go where rows do; a table made anew begins with a rebuild.
    gone = """
        AND (b.kind = 'rebuild' OR b.rows_deleted > 0 OR (b.rows_updated > 0 AND EXISTS (
            SELECT 1 FROM dwh_lineage.targets AS t WHERE t.target = b.target AND t.kind = 'append'
        )))"""
    if contract.get("full_extract"):  # which keys an extract lacks depends on all its rows
        gone = ""
    return f"""\
IF {waits(contract)[:-1]}{gone}) THEN
    SELECT NULL::bigint AS load_batch, ARRAY(
        SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = {literal(text.target(contract))} ORDER BY 1
    ) AS taken INTO l_load;
{text.indented(evaluated(contract, "l_load.taken") + gates)}\
    CALL {text.routine(contract, "rebuild")}(l_batch_id);
{text.indented(checks)}\
    RETURN;
END IF;
"""


def retry(contract: Contract) -> str:
    """In a load, after its gates: where a parent's batch was taken, rows that wait for a parent are evaluated again;
    those that pass now are loaded with the others."""
    if not parents(contract):
        return ""
    target, source = literal(text.target(contract)), literal(contract["source"])
    body = f"""\
DROP TABLE IF EXISTS pg_temp.retried;
CREATE TEMP TABLE retried ON COMMIT DROP AS
SELECT v.*
FROM {text.routine(contract, "evaluate")}(NULL, NULL, ARRAY(
    SELECT x.bronze_id FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = {target} AND x.state IN ('open', 'proposed', 'queued') AND EXISTS (
        SELECT 1 FROM dwh_lineage.exception_breaches AS k
        JOIN dwh_lineage.quality_rules AS r ON r.target = {target} AND r.rule = k.rule AND r.active
        WHERE k.exception_id = x.id AND r.kind = 'references'
    )
)) AS v
WHERE v._batch_no <> ALL (l_load.taken) AND {text.not_skipped(contract, "v")};
ANALYZE pg_temp.retried;
{REJECT.replace("pg_temp.evaluated", "pg_temp.retried")}\
PERFORM dwh_lineage.record_exceptions({target}, {source}, l_load.load_batch);
{land(contract, "its parent has come", "pg_temp.retried")}\
INSERT INTO pg_temp.evaluated SELECT e.* FROM pg_temp.retried AS e WHERE e._broken IS NULL;
"""
    taken = (
        "EXISTS (SELECT 1 FROM dwh_lineage.batches AS b WHERE b.batch_no = ANY (l_load.taken)\n"
        f"    AND b.target = ANY ({literal(parents(contract))}))"
    )
    return f"IF {taken} THEN\n{text.indented(body)}END IF;\n"


def settle_again(contract: Contract) -> str:
    """In a replay, whose keys are evaluated again whole: parents may have come or gone since the last load."""
    if not parents(contract):
        return ""
    target, source = literal(text.target(contract)), literal(contract["source"])
    return (
        f"{REJECT.replace('pg_temp.evaluated', 'pg_temp.again')}"
        f"PERFORM dwh_lineage.record_exceptions({target}, {source}, l_load.load_batch);\n"
        f"{land(contract, 'holds its rules now', 'pg_temp.again')}"
    )
