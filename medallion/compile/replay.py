"""A replay: the rows of a decision, decided, evaluated and landed, in one transaction.

A load like any other: it takes the table's row in `targets`, but no waiting batches. The decision becomes part of the
overlay in the same transaction (dwh_lineage.apply_decision), so that table and overlay agree at every commit.
"""

from __future__ import annotations

from medallion.compile import absence, horizon, references, text
from medallion.compile.fold import as_events, attributes, effective, known
from medallion.compile.loading import REJECT, land, set_aside
from medallion.compile.text import Contract
from medallion.naming import ident, literal

SIGNATURE = ("PROCEDURE", "bigint, bigint[], uuid")
_ARGUMENTS = "in_decision bigint, in_rows bigint[], in_batch_id uuid DEFAULT NULL"
_DECLARED = """\
l_load record;
l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
l_rows bigint[];
l_read bigint;
l_inserted bigint;
l_updated bigint;
l_deleted bigint;
l_rejected bigint;
"""
_NESTED_LOOPS = "PERFORM set_config('enable_nestloop', 'on', true);\n"


def append(contract: Contract) -> str:
    """The replay of an append table: the rows themselves."""
    table, columns = text.relation(contract), [column["name"] for column in contract["columns"]]
    return _procedure(
        contract,
        "",
        f"""\
{_decided(contract)}
DELETE FROM {table} AS s
WHERE s._source_bronze_id = ANY (l_rows) AND NOT EXISTS (
    SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
);
GET DIAGNOSTICS l_deleted = ROW_COUNT;

UPDATE {table} AS s
SET {", ".join(f"{ident(name)} = e.{ident(name)}" for name in columns)}, _batch_id = l_batch_id, _loaded_at = now()
FROM pg_temp.evaluated AS e
WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
    AND {text.row(columns, "s")} IS DISTINCT FROM {text.row(columns, "e")};
GET DIAGNOSTICS l_updated = ROW_COUNT;

INSERT INTO {table} ({text.names(columns)}, _source_bronze_id, _batch_id)
SELECT {text.names(columns, "e")}, e._bronze_id, l_batch_id
FROM pg_temp.evaluated AS e
WHERE e._broken IS NULL
    AND NOT EXISTS (SELECT 1 FROM {table} AS s WHERE s._source_bronze_id = e._bronze_id);
GET DIAGNOSTICS l_inserted = ROW_COUNT;
{_finish(contract)}""",
    )


def fold(contract: Contract) -> str:
    """The replay of a table with history: the keys that the rows had and have, folded again from bronze."""
    columns = [*contract["key"], *attributes(contract)]
    full = absence.is_full(contract)
    evaluation = f"{text.routine(contract, 'evaluate')}(NULL, {'NULL' if full else 'l_keys'})"
    taken = _taken(contract, "v") if full else f"l_keys <> '{{}}' AND {_taken(contract, 'v')}"
    return _procedure(
        contract,
        "l_landed bigint[];\nl_keys text[];\nl_gone bigint;\nl_gone_until timestamptz;\n",
        f"""\
-- What lies in the table now may leave its key: that is folded again, too. Only an undo is about such rows.
l_landed := ARRAY(
    SELECT e.bronze_id FROM dwh_lineage.quality_exceptions AS e
    WHERE e.target_table = {literal(text.target(contract))} AND e.bronze_id = ANY (in_rows) AND e.state = 'landed'
        AND EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision AND d.verb = 'undo')
);
IF l_landed <> '{{}}' THEN
    l_keys := ARRAY(
        SELECT DISTINCT {_key(contract, "v")}
        FROM {text.routine(contract, "evaluate")}(NULL, NULL, l_landed) AS v WHERE v._broken IS NULL
    );
END IF;
{_decided(contract)}
{_known_keys(contract)}
DROP TABLE IF EXISTS pg_temp.again;
{_no_nested_loops("l_rows")}CREATE TEMP TABLE again ON COMMIT DROP AS
SELECT v.* FROM {evaluation} AS v WHERE {taken};
{_NESTED_LOOPS}{_fresh(contract)}{references.settle_again(contract)}\
{as_events(contract, "fold_events", "pg_temp.again")}
{horizon.add(contract, columns, keys="" if full else "l_keys")}\
{absence.add(contract, columns, "fold_events", "pg_temp.again")}\
CALL {text.routine(contract, "fold")}(l_batch_id, {str(full).lower()}, l_inserted, l_updated, l_deleted);
{_forget_empty(contract)}{_finish(contract)}""",
    )


def _known_keys(contract: Contract) -> str:
    """Adds the keys of rows that pass and whose history is in bronze too: those that have a row, or may have been
    deleted. The others have nothing but these rows."""
    if absence.is_full(contract):
        return "-- Which keys an extract lacks depends on all its rows."
    stands = f"EXISTS (SELECT 1 FROM {text.relation(contract)} AS x WHERE {text.equal(contract['key'], 'x', 'n')})"
    # Rows that waited for a parent may land with these.
    is_known = "true" if references.parents(contract) else known(contract, stands)
    return f"""\
SELECT t.last_gone_at INTO l_gone_until FROM dwh_lineage.targets AS t WHERE t.target = {literal(text.target(contract))};
l_keys := l_keys || ARRAY(
    SELECT DISTINCT {_key(contract, "n")}
    FROM (
        SELECT e.*, {effective(contract, "e")} AS _effective
        FROM pg_temp.evaluated AS e JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
        WHERE e._broken IS NULL
    ) AS n
    WHERE {is_known}
);"""


def _fresh(contract: Contract) -> str:
    """Rows of keys that nobody knew, beside what bronze has of the known ones."""
    if absence.is_full(contract):
        return ""
    return f"""\
INSERT INTO pg_temp.again
SELECT e.* FROM pg_temp.evaluated AS e
WHERE e._broken IS NULL AND {_key(contract, "e")} <> ALL (l_keys) AND {_taken(contract, "e")};
"""


def _taken(contract: Contract, alias: str) -> str:
    return f"{text.not_skipped(contract, alias)} AND {text.not_pending(contract, alias)}"


def _key(contract: Contract, alias: str) -> str:
    return text.key_text(contract, {name: f"{alias}.{ident(name)}" for name in contract["key"]})


def _forget_empty(contract: Contract) -> str:
    """Keys that have no event any more have no row; the fold knows only those that have one."""
    if absence.is_full(contract):
        return ""
    table, key = text.relation(contract), contract["key"]
    since = (contract.get("effective") or "_since") if contract["kind"] == "scd1" else "valid_from"
    begins = f"s.{ident(since)}::timestamptz"
    return f"""IF l_landed <> '{{}}' THEN
    DELETE FROM {table} AS s
    WHERE {_key(contract, "s")} = ANY (l_keys)
        AND {horizon.is_live(contract, begins)}
        AND NOT EXISTS (SELECT 1 FROM pg_temp.fold_events AS e WHERE {text.equal(key, "e", "s")});
    GET DIAGNOSTICS l_gone = ROW_COUNT;
    l_deleted := l_deleted + l_gone;
END IF;
"""


def _decided(contract: Contract) -> str:
    """The decision becomes part of the overlay; its rows are evaluated, and their exceptions closed or opened."""
    target = literal(text.target(contract))
    return f"""SELECT dwh_lineage.begin_replay({target}, l_batch_id) AS load_batch INTO l_load;
l_rows := dwh_lineage.apply_decision(in_decision);
DROP TABLE IF EXISTS pg_temp.evaluated;
{_no_nested_loops("l_rows")}CREATE TEMP TABLE evaluated ON COMMIT DROP AS
SELECT v.* FROM {text.routine(contract, "evaluate")}(NULL, NULL, l_rows) AS v;
GET DIAGNOSTICS l_read = ROW_COUNT;
{_NESTED_LOOPS}ANALYZE pg_temp.evaluated (_bronze_id, _batch_no, _broken);
{REJECT}l_rejected := dwh_lineage.record_exceptions(
    {target}, {literal(contract["source"])}, l_load.load_batch, in_decision
);
{land(contract, "decided", decision="in_decision")}\
IF l_read < cardinality(l_rows) THEN
{text.indented(set_aside(contract, " AND x.bronze_id = ANY (l_rows)", "in_decision").rstrip())}
END IF;"""


def _no_nested_loops(rows: str) -> str:
    return f"""\
-- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
-- for each of many rows.
PERFORM set_config('enable_nestloop', CASE WHEN cardinality({rows}) > 1000 THEN 'off' ELSE 'on' END, true);
"""


def _finish(contract: Contract) -> str:
    return (
        "PERFORM dwh_lineage.finish_load(\n    l_load.load_batch, 'transform', "
        f"jsonb_build_object({literal(contract['source'])}, l_read),\n"
        "    l_inserted, l_updated, l_deleted,\n"
        "    greatest(l_read - l_rejected - l_inserted - l_updated, 0), l_rejected\n);"
    )


def _procedure(contract: Contract, declared: str, body: str) -> str:
    return text.procedure(
        text.routine(contract, "replay"),
        _ARGUMENTS,
        _DECLARED + declared,
        body,
        f"Applies a decision to rows of {text.target(contract)}'s source and lands them, or takes them out. Takes the "
        "decision, the bronze ids and the run's id; called by dwh_lineage.replay_chunk, which knows which rows are "
        "due. Locks the table's row in dwh_lineage.targets.",
    )
