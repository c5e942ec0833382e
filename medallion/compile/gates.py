"""Rules whose severity is `fail`, and max_rejected: with too many bad rows in a batch, nothing of it lands until a
person decides.

The load only raises; what it saw is recorded by a routine of its own, which the executor calls in a transaction of its
own after the load has been rolled back. So the evidence stands, whatever becomes of the batch.
"""

from __future__ import annotations

from medallion.compile import checks, references, text
from medallion.compile.loading import evaluated, record
from medallion.compile.text import Contract
from medallion.naming import literal


def limit(contract: Contract) -> tuple[str, str]:
    """(the limit as a number, whether it is a share of the batch's rows) as SQL."""
    declared = str(contract["max_rejected"])
    return declared.removesuffix("%"), str(declared.endswith("%")).lower()


def check(contract: Contract) -> str:
    """Raises AS082 where rows in pg_temp.evaluated break rules that fail a load, AS050 where a batch has too many
    rejected rows."""
    target = literal(text.target(contract))
    asked = f"PERFORM dwh_etl.check_rules({target});\n"
    if "max_rejected" in contract:
        number, is_share = limit(contract)
        asked += f"PERFORM dwh_etl.check_rejected({target}, {number}, {is_share});\n"
    return asked


def record_rules(contract: Contract, read: str = "l_read") -> str:
    """Records how many of the rows in pg_temp.evaluated break each rule."""
    return f"PERFORM dwh_etl.record_rules({literal(text.target(contract))}, l_batch_id, {read});\n"


def rebuild_first(contract: Contract) -> str:
    """What a load does first where rules refer to other tables, whose rows may be gone."""
    return references.rebuild_first(contract, check(contract) + record_rules(contract), checks.ask_table(contract))


def evidence(contract: Contract) -> list[str]:
    """`dwh_etl.evidence_silver_x`."""
    target, measured = literal(text.target(contract)), ""
    if "max_rejected" in contract:
        number, is_share = limit(contract)
        measured = f"PERFORM dwh_etl.measure_rejected({target}, l_batch_id, {number}, {is_share});\n"
    return [
        text.procedure(
            text.routine(contract, "evidence"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_waiting bigint[];\n"
            "l_read bigint;\nl_rejected bigint;",
            f"""\
UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = {target};
l_waiting := ARRAY(SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = {target} ORDER BY 1);
IF l_waiting = '{{}}' THEN
    RETURN;
END IF;
SELECT dwh_lineage.open_batch({target}, 'load', l_batch_id) AS load_batch INTO l_load;
{evaluated(contract, "l_waiting")}
{record(contract)}
{measured}{record_rules(contract)}\
PERFORM dwh_lineage.close_batch(l_load.load_batch, l_read, 0, in_rejected => l_rejected);""",
            f"Records what a load of {text.target(contract)} would reject, as exceptions and metrics, and loads "
            "nothing: to be called after a load that its gate refused. The batches go on waiting. Takes the run's id. "
            "Locks the table's row in dwh_lineage.targets.",
        )
    ]
