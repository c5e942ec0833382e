"""full_extract: each batch is a whole extract, and a key that it does not have is gone.

An absence has no time of the source's; the one exact time there is, is that of the ingestion, as the ledger has it. So
the history of such a table is one of extracts: everything in one holds since its `ingested_at`, and two clocks never
disagree. Batches of one moment are one extract; a batch without rows is none. A row that breaks a rule is no event, but
its key is present. Extracts in their order are loaded one after the other; an older one folds all of bronze again.
"""

from __future__ import annotations

from medallion.compile import horizon, text
from medallion.compile.text import Contract
from medallion.naming import ident, literal

#: Every extract of a source that a rebuild folds.
ALL_BATCHES = "b.target = {} AND b.rows_inserted IS DISTINCT FROM 0"
#: The extracts that a load has taken.
TAKEN = "b.batch_no = ANY (l_load.taken) AND b.rows_inserted IS DISTINCT FROM 0"


def is_full(contract: Contract) -> bool:
    """Whether a table's batches are whole extracts."""
    return bool(contract.get("full_extract"))


def extracts(contract: Contract, taken: bool) -> str:
    """The extracts, each with the one that follows. taken: only those of the load, and the last before them."""
    target = literal(text.target(contract))
    if taken:
        found = (
            f"SELECT b.ingested_at AS _at FROM dwh_lineage.batches AS b WHERE {TAKEN}\n"
            "    UNION SELECT l_seen_until WHERE l_seen_until IS NOT NULL"
        )
    else:
        found = (
            "SELECT DISTINCT b.ingested_at AS _at FROM dwh_lineage.batches AS b\n"
            f"    WHERE b.target = {literal(contract['source'])} AND b.rows_inserted IS DISTINCT FROM 0\n"
            f"        AND {text.not_skipped(contract, 'b').replace('b._batch_no', 'b.batch_no')}\n"
            "        AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p "
            f"WHERE p.consumer = {target} AND p.batch_no = b.batch_no)\n"
            f"        AND {horizon.is_live(contract, 'b.ingested_at')}\n"
            f"    UNION SELECT {_at_horizon(contract)} WHERE {horizon.value(contract)} IS NOT NULL"
        )
    return f"SELECT x._at, lead(x._at) OVER (ORDER BY x._at) AS _next\nFROM (\n    {found}\n) AS x"


def _at_horizon(contract: Contract) -> str:
    """The moment before the horizon: the state there is as an extract, of the keys that the base has."""
    return f"{horizon.value(contract)} - interval '1 microsecond'"


def present(contract: Contract, rows: str, standing: str = "") -> str:
    """The keys in each extract. standing: SQL of the keys that the table has now, which the last extract had."""
    key = contract["key"]
    there = " AND ".join(f"e.{ident(name)} IS NOT NULL" for name in key)
    return (
        f"SELECT DISTINCT {text.names(key, 'e')}, b.ingested_at AS _at\nFROM {rows} AS e\n"
        f"JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no\nWHERE {there}{standing}\n"
        f"UNION SELECT {text.names(key, 'z')}, {_at_horizon(contract)} FROM {horizon.base(contract)} AS z"
    )


def standing(contract: Contract) -> str:
    """The keys of the table as keys of the last extract."""
    current = " AND s.is_current" if contract["kind"] == "scd2" else ""
    return (
        f"\nUNION SELECT {text.names(contract['key'], 's')}, l_seen_until\nFROM {text.relation(contract)} AS s\n"
        f"WHERE l_seen_until IS NOT NULL{current}"
    )


def absent(contract: Contract, columns: list[str], schema: str = "") -> str:
    """Deletes, as events: of the keys of each extract that the next one has not."""
    key = contract["key"]
    types = {column["name"]: column["type"] for column in contract["columns"]}
    values = ", ".join(
        f"p.{ident(name)}" if name in key else f"NULL::{types[name]} AS {ident(name)}" for name in columns
    )
    return (
        "SELECT 0::bigint AS _bronze_id, x._next AS _effective, true AS _deleted, NULL::text AS _file, "
        f"NULL::text AS _checksum, {values}\n"
        f"FROM {schema}present AS p\nJOIN {schema}extracts AS x ON x._at = p._at\n"
        f"WHERE x._next IS NOT NULL AND NOT EXISTS (\n"
        f"    SELECT 1 FROM {schema}present AS q WHERE q._at = x._next AND {text.equal(key, 'q', 'p')}\n)"
    )


def add(contract: Contract, columns: list[str], events: str, rows: str, taken: bool = False, gate: bool = False) -> str:
    """Adds the absences to a temporary table of events; nothing where batches are no whole extracts."""
    if not is_full(contract):
        return ""
    there = present(contract, rows, standing(contract) if taken else "")
    guarded = ""
    if gate and "max_gone" in contract:
        limit = str(contract["max_gone"]).removesuffix("%")
        guarded = f"PERFORM dwh_etl.check_gone({literal(text.target(contract))}, {limit}, l_load.taken);\n"
    return f"""\
DROP TABLE IF EXISTS pg_temp.extracts;
CREATE TEMP TABLE extracts ON COMMIT DROP AS
{extracts(contract, taken)};
DROP TABLE IF EXISTS pg_temp.present;
CREATE TEMP TABLE present ON COMMIT DROP AS
{there};
ANALYZE pg_temp.present;
DROP TABLE IF EXISTS pg_temp.absent;
CREATE TEMP TABLE absent ON COMMIT DROP AS
{absent(contract, columns, "pg_temp.")};
{guarded}INSERT INTO pg_temp.{events} SELECT a.* FROM pg_temp.absent AS a;
"""


def load(contract: Contract, columns: list[str], events_of: str, otherwise: str) -> str:
    """The part of a load after its events are known. events_of: SQL that makes pg_temp.fold_events of pg_temp.again.
    otherwise: the load where every event is newer than all before."""
    if not is_full(contract):
        return otherwise
    inner = add(contract, columns, "events", "pg_temp.evaluated", taken=True, gate=True) + otherwise
    all_again = f"""\
DROP TABLE IF EXISTS pg_temp.again;
CREATE TEMP TABLE again ON COMMIT DROP AS
SELECT v.* FROM {text.routine(contract, "evaluate")}(NULL, NULL) AS v WHERE {text.not_skipped(contract, "v")};
{events_of}
{add(contract, columns, "fold_events", "pg_temp.again", gate=True)}\
CALL {text.routine(contract, "fold")}(l_batch_id, true, l_inserted, l_updated, l_deleted);"""
    return f"""\
-- An extract that is older than one that was loaded: what is absent in which must be found anew.
IF EXISTS (
    SELECT 1 FROM dwh_lineage.batches AS b WHERE {TAKEN} AND b.ingested_at <= l_seen_until
) THEN
{text.indented(all_again)}
ELSE
{text.indented(inner)}
END IF;"""


def seen(contract: Contract, events: str, batches: str) -> str:
    """SQL of the latest time that a load has seen. batches: a condition over the ledger, for whole extracts."""
    if not is_full(contract):
        return f"(SELECT max(e._effective) FROM pg_temp.{events} AS e)"
    return f"(SELECT max(b.ingested_at) FROM dwh_lineage.batches AS b WHERE {batches})"
