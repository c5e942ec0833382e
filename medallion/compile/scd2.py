"""SCD2: the history of a key is a fold over its events in the order of the source's time, never of arrival.

Most events are newer than everything seen before: they are appended (the fast path). A late event folds its key again
from bronze (the late path), and so does a rebuild for all keys; both write only differences, so that a version that did
not change keeps its surrogate key.

Events of one key at one effective time: the last by file name and record counts. The version's `_source_bronze_id` is
the first bronze row that said the same at that time, whatever the order of arrival.
"""

from __future__ import annotations

from typing import ClassVar

from medallion.compile import (
    absence,
    checks,
    constraints,
    freeze,
    gates,
    horizon,
    late,
    outcomes,
    references,
    replay,
    text,
)
from medallion.compile.fold import (
    as_events,
    attributes,
    chained,
    changes,
    known,
    lagged,
    record_seen,
    set_gone,
    tracked,
    untracked,
    winners,
)
from medallion.compile.loading import evaluated, finish, land, land_again, record, settle
from medallion.compile.text import Contract
from medallion.naming import ident, literal


def surrogate(contract: Contract) -> str:
    """The name of the surrogate key: `customer_sk` for `customers`."""
    return str(contract.get("surrogate") or contract["name"].removesuffix("s") + "_sk")


class Scd2History:
    """How an SCD2 table is stored, loaded, rebuilt and accounted for."""

    ROUTINES: ClassVar[dict[str, tuple[str, str]]] = {
        "load": ("PROCEDURE", "uuid"),
        "rebuild": ("PROCEDURE", "uuid"),
        "replay": replay.SIGNATURE,
        "fold": ("PROCEDURE", "uuid, boolean, bigint, bigint, bigint"),
        "freeze": ("PROCEDURE", "timestamptz"),
        "outcomes": ("FUNCTION", ""),
    }

    def create_table(self, contract: Contract) -> str:
        """One row for each key and period; one current row for each key, held by the database."""
        table, name, key = text.relation(contract), contract["name"], contract["key"]
        current, history = ident(f"silver_{name}_current_key"), ident(f"silver_{name}_history_idx")
        types = {column["name"]: column["type"] for column in contract["columns"]}
        stored = [
            f"{ident(surrogate(contract))} bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY",
            *(f"{ident(column)} {types[column]} NOT NULL" for column in key),
            *(f"{ident(column)} {types[column]}" for column in attributes(contract)),
            "valid_from timestamptz NOT NULL",
            "valid_to timestamptz",
            "is_current boolean NOT NULL",
            "_source_bronze_id bigint NOT NULL",
            "_batch_id uuid NOT NULL",
            "_loaded_at timestamptz NOT NULL DEFAULT now()",
            f"CONSTRAINT {ident(name + '_valid_range')} CHECK (valid_to > valid_from)",
            f"CONSTRAINT {ident(name + '_current_is_open')} CHECK (is_current = (valid_to IS NULL))",
            *constraints.in_table(contract),
        ]
        return (
            f"CREATE TABLE {table} (\n{text.lines(stored)}\n);\n"
            f"{text.comment(f'TABLE {table}', contract.get('description', ''))}"
            f"CREATE UNIQUE INDEX {current} ON {table} ({text.names(key)}) WHERE is_current;\n"
            f"CREATE UNIQUE INDEX {history} ON {table} ({text.names(key)}, valid_from);\n"
            f"{horizon.create_base(contract, [*key, *attributes(contract)])}"
        )

    def routines(self, contract: Contract) -> list[str]:
        return [
            self._fold(contract), self._load(contract), self._rebuild(contract), freeze.routine(contract),
            replay.fold(contract), outcomes.scd2(contract),
        ]  # fmt: skip

    def _load(self, contract: Contract) -> str:
        columns = [*contract["key"], *attributes(contract)]
        newer = f"{self._touched(contract)}\n{self._append(contract)}"
        if not absence.is_full(contract):  # extracts in their order have no late events
            newer += f"\nIF l_late IS NOT NULL THEN\n{text.indented(self._fold_late(contract))}\nEND IF;"
        latest = absence.seen(contract, "events", absence.TAKEN)
        everything = as_events(contract, "fold_events", "pg_temp.again") + "\n" + horizon.add(contract, columns)
        return text.procedure(
            text.routine(contract, "load"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_seen_until timestamptz;\n"
            "l_gone_until timestamptz;\nl_read bigint;\nl_inserted bigint;\nl_updated bigint;\n"
            "l_deleted bigint := 0;\nl_events bigint;\nl_rejected bigint;\nl_late text[];\nl_late_inserted bigint;\n"
            f"l_late_updated bigint;\nl_late_deleted bigint;{late.declared(contract)}",
            f"""\
{gates.rebuild_first(contract)}\
SELECT * INTO l_load FROM dwh_lineage.begin_load({literal(text.target(contract))}, l_batch_id);
IF l_load.taken IS NULL THEN
    RETURN;
END IF;
SELECT t.last_event_at, t.last_gone_at INTO l_seen_until, l_gone_until FROM dwh_lineage.targets AS t
WHERE t.target = {literal(text.target(contract))};
{evaluated(contract, "l_load.taken")}
{gates.check(contract)}{gates.record_rules(contract)}{references.retry(contract)}{record(contract)}
{land_again(contract)}{as_events(contract, "events", "pg_temp.evaluated")}
l_events := l_read - l_rejected;
ANALYZE pg_temp.events;
{absence.load(contract, columns, everything, newer)}

UPDATE dwh_lineage.targets
SET last_event_at = greatest(last_event_at, {latest}){set_gone(contract)}
WHERE target = {literal(text.target(contract))};
{checks.ask_table(contract)}\
{finish(contract, "l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted, 0), l_rejected")}""",
            f"Loads what waits for {text.target(contract)}: newer events are appended to their keys' histories, late "
            "ones fold theirs again; rows that break a rule become exceptions. Takes the run's id. Locks the table's "
            "row in dwh_lineage.targets.",
        )

    def _touched(self, contract: Contract) -> str:
        """The keys with an event that says something new, which of them have versions, and which are late.

        An event that says what the history says of its time changes nothing, whatever else there is; but where its key
        has another event that does, it takes part in the fold.
        """
        key, values, table = contract["key"], attributes(contract), text.relation(contract)
        said = f"{text.row(values, 's')} IS NOT DISTINCT FROM {text.row(values, 'e')}"
        return f"""\
DROP TABLE IF EXISTS pg_temp.touched;
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT n.*, (n._effective <= l_seen_until AND {known(contract, "n._stands")}) IS TRUE AS _late
FROM (
    SELECT g.*, EXISTS (SELECT 1 FROM {table} AS x WHERE {text.equal(key, "x", "g")}) AS _stands
    FROM (
        SELECT {text.names(key, "e")}, min(e._effective) AS _effective
        FROM pg_temp.events AS e
        LEFT JOIN {table} AS s ON {text.equal(key, "s", "e")}
            AND s.valid_from <= e._effective AND (s.valid_to > e._effective OR s.valid_to IS NULL)
        WHERE CASE WHEN e._deleted THEN s._source_bronze_id IS NOT NULL
            ELSE s._source_bronze_id IS NULL OR NOT ({said})
                -- The same at the very same time, but earlier in bronze: it becomes the version's source.
                OR (s.valid_from = e._effective AND s._source_bronze_id > e._bronze_id) END
        GROUP BY {text.names(key, "e")}
    ) AS g
    OFFSET 0
) AS n;
ANALYZE pg_temp.touched;"""

    def _append(self, contract: Contract) -> str:
        """The fast path: the events of a touched key that are newer than all before, chained to its current version."""
        key, values, table = contract["key"], attributes(contract), text.relation(contract)
        columns = [*key, *values]
        last = untracked(contract)
        kept = "".join(f"{ident(name)} = c.{ident(name)}, " for name in last)
        moved = "c._until IS NOT NULL"
        if last:
            moved = f"({moved} OR {text.row(last, 's')} IS DISTINCT FROM {text.row(last, 'c')})"
        # The current version leads its key's chain: it always begins, for nothing stands before it.
        history = f"""\
    SELECT h.*, lag(h._deleted) OVER history AS _was_absent, {lagged(tracked(contract))}
    FROM (
        SELECT w._bronze_id, w._effective, w._deleted, false AS _stands, {text.names(columns, "w")}
        FROM (
{text.indented(winners(contract, "pg_temp.fresh"), 3)}
        ) AS w
        UNION ALL
        SELECT s._source_bronze_id, s.valid_from, false, true, {text.names(columns, "s")}
        FROM {table} AS s
        JOIN pg_temp.touched AS t ON {text.equal(key, "t", "s")}
        WHERE s.is_current AND NOT t._late
    ) AS h
    WINDOW history AS (PARTITION BY {text.names(key, "h")} ORDER BY h._effective)"""
        return f"""\
DROP TABLE IF EXISTS pg_temp.fresh;
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT e.*
FROM pg_temp.events AS e
JOIN pg_temp.touched AS t ON {text.equal(key, "t", "e")}
WHERE NOT t._late AND (l_seen_until IS NULL OR e._effective > l_seen_until OR NOT t._stands);

DROP TABLE IF EXISTS pg_temp.changes;
CREATE TEMP TABLE changes ON COMMIT DROP AS
SELECT k.*, lead(k._effective) OVER (PARTITION BY {text.names(key, "k")} ORDER BY k._effective) AS _until
FROM (
{text.indented(chained(contract, history))}
) AS k;
ANALYZE pg_temp.changes;

UPDATE {table} AS s
SET valid_to = c._until, is_current = c._until IS NULL, {kept}_batch_id = l_batch_id, _loaded_at = now()
FROM pg_temp.changes AS c
WHERE c._stands AND s.is_current AND {text.equal(key, "s", "c")} AND {moved};
GET DIAGNOSTICS l_updated = ROW_COUNT;

INSERT INTO {table} (
    {text.names(columns)}, valid_from, valid_to, is_current, _source_bronze_id, _batch_id
)
SELECT {text.names(columns, "c")}, c._effective, c._until, c._until IS NULL, c._bronze_id, l_batch_id
FROM pg_temp.changes AS c
WHERE NOT c._deleted AND NOT c._stands;
GET DIAGNOSTICS l_inserted = ROW_COUNT;

SELECT array_agg({text.key_text(contract, {name: f"t.{ident(name)}" for name in key})}) INTO l_late
FROM pg_temp.touched AS t WHERE t._late;"""

    def _fold_late(self, contract: Contract) -> str:
        return f"""\
{late.find(contract)}\
DROP TABLE IF EXISTS pg_temp.again;
CREATE TEMP TABLE again ON COMMIT DROP AS
SELECT v.* FROM {late.evaluated(contract)} AS v WHERE {text.not_skipped(contract, "v")};
{land(contract, "holds its rules now", "pg_temp.again")}{as_events(contract, "fold_events", "pg_temp.again")}
{horizon.add(contract, [*contract["key"], *attributes(contract)], late=True)}\
CALL {text.routine(contract, "fold")}(l_batch_id, false, l_late_inserted, l_late_updated, l_late_deleted);
l_inserted := l_inserted + l_late_inserted;
l_updated := l_updated + l_late_updated;
l_deleted := l_deleted + l_late_deleted;"""

    def _rebuild(self, contract: Contract) -> str:
        columns = [*contract["key"], *attributes(contract)]
        latest = absence.seen(contract, "fold_events", absence.ALL_BATCHES.format(literal(contract["source"])))
        return text.procedure(
            text.routine(contract, "rebuild"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_read bigint;\n"
            "l_inserted bigint;\nl_updated bigint;\nl_deleted bigint;\nl_events bigint;\nl_rejected bigint;",
            f"""\
SELECT * INTO l_load FROM dwh_lineage.begin_load({literal(text.target(contract))}, l_batch_id, true);
{evaluated(contract, "NULL")}
{record(contract)}
{settle(contract)}
{as_events(contract, "fold_events", "pg_temp.evaluated")}
l_events := l_read - l_rejected;
{horizon.add(contract, columns)}\
{absence.add(contract, columns, "fold_events", "pg_temp.evaluated")}\
CALL {text.routine(contract, "fold")}(l_batch_id, true, l_inserted, l_updated, l_deleted);

UPDATE dwh_lineage.targets
SET last_event_at = {latest}, needs_rebuild = false
WHERE target = {literal(text.target(contract))};
{finish(contract, "l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted - l_updated, 0), l_rejected")}""",
            f"Makes {text.target(contract)} what bronze and the rules say, in place: only differences are written, and "
            "a version that did not change keeps its surrogate key. Takes the run's id. Locks the table's row in "
            "dwh_lineage.targets.",
        )

    def _fold(self, contract: Contract) -> str:
        key, values, table = contract["key"], attributes(contract), text.relation(contract)
        columns = [*key, *values]
        written = [*values, "valid_to", "is_current", "_source_bronze_id"]
        gone = (
            f"NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE {text.equal([*key, 'valid_from'], 'f', 's')})\n"
            f"        AND {horizon.is_live(contract, 's.valid_from')}"
        )
        return text.procedure(
            text.routine(contract, "fold"),
            "in_batch_id uuid, in_all boolean, INOUT io_inserted bigint, INOUT io_updated bigint, "
            "INOUT io_deleted bigint",
            "",
            f"""\
-- Keys that stand in the table, of those that are folded: most often few, and only their rows are looked at again.
DROP TABLE IF EXISTS pg_temp.fold_keys;
CREATE TEMP TABLE fold_keys ON COMMIT DROP AS
SELECT DISTINCT {text.names(key, "e")} FROM pg_temp.fold_events AS e
WHERE NOT in_all AND EXISTS (SELECT 1 FROM {table} AS x WHERE {text.equal(key, "x", "e")});
ANALYZE pg_temp.fold_keys;

DROP TABLE IF EXISTS pg_temp.folded;
CREATE TEMP TABLE folded ON COMMIT DROP AS
SELECT f.*, s._source_bronze_id IS NOT NULL AS _stands,
    {text.row(written, "s")} IS DISTINCT FROM {text.row(written, "f")} AS _differs
FROM (
    SELECT {text.names(columns, "v")}, v._effective AS valid_from, v._until AS valid_to, v._until IS NULL AS is_current,
        v._bronze_id AS _source_bronze_id
    FROM (
        SELECT k.*, lead(k._effective) OVER (PARTITION BY {text.names(key, "k")} ORDER BY k._effective) AS _until
        FROM (
{text.indented(changes(contract, "pg_temp.fold_events"), 3)}
        ) AS k
    ) AS v
    WHERE NOT v._deleted
) AS f
LEFT JOIN (
    SELECT x.* FROM {table} AS x WHERE in_all
    UNION ALL
    SELECT x.* FROM {table} AS x JOIN pg_temp.fold_keys AS k ON {text.equal(key, "k", "x")} WHERE NOT in_all
) AS s ON {text.equal([*key, "valid_from"], "s", "f")};
ANALYZE pg_temp.folded ({text.names([*key, "valid_from"])});

-- What began before the horizon stays; the version that lasts over it is in the base.
IF in_all THEN
    DELETE FROM {table} AS s
    WHERE {gone};
ELSE
    DELETE FROM {table} AS s
    USING pg_temp.fold_keys AS k
    WHERE {text.equal(key, "k", "s")} AND {gone};
END IF;
GET DIAGNOSTICS io_deleted = ROW_COUNT;

UPDATE {table} AS s
SET {", ".join(f"{ident(name)} = f.{ident(name)}" for name in written)}, _batch_id = in_batch_id, _loaded_at = now()
FROM pg_temp.folded AS f
WHERE f._stands AND f._differs AND {text.equal([*key, "valid_from"], "f", "s")};
GET DIAGNOSTICS io_updated = ROW_COUNT;

INSERT INTO {table} ({text.names([*columns, "valid_from"])}, valid_to, is_current, _source_bronze_id, _batch_id)
SELECT {text.names([*columns, "valid_from"], "f")}, f.valid_to, f.is_current, f._source_bronze_id, in_batch_id
FROM pg_temp.folded AS f
WHERE NOT f._stands
ORDER BY {text.names([*key, "valid_from"], "f")};  -- the order of the index: neighbours are on one page
GET DIAGNOSTICS io_inserted = ROW_COUNT;{record_seen(contract)}""",
            f"Folds the histories of the keys in pg_temp.fold_events; writes what differs to {text.target(contract)}. "
            "in_all: the events are all there are, so that other keys have no history. Called by the load and the "
            "rebuild, which hold the table's row.",
        )


HISTORY = Scd2History()
