"""SCD1: one row for each key, what its history ends with: the current version of the fold that SCD2 does.

The row's effective column says since when its values hold, and `_source_bronze_id` names the row that said so first:
so an event that says nothing new writes nothing. An event older than the row matters only where it says the same (they
hold for longer then) or where there is no row; those keys fold again from bronze, as in SCD2.
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
    changes,
    effective,
    event_columns,
    known,
    record_seen,
    set_gone,
)
from medallion.compile.loading import evaluated, finish, land, land_again, record, settle
from medallion.compile.text import Contract
from medallion.naming import ident, literal

_COUNTS = "l_inserted bigint;\nl_updated bigint;\nl_deleted bigint;\nl_events bigint;\nl_rejected bigint;"


def since(contract: Contract) -> str:
    """The column that says since when a row holds."""
    return str(contract.get("effective") or "_since")


class Scd1History:
    """How an SCD1 table is stored, loaded, rebuilt and accounted for."""

    ROUTINES: ClassVar[dict[str, tuple[str, str]]] = {
        "load": ("PROCEDURE", "uuid"),
        "rebuild": ("PROCEDURE", "uuid"),
        "replay": replay.SIGNATURE,
        "fold": ("PROCEDURE", "uuid, boolean, bigint, bigint, bigint"),
        "freeze": ("PROCEDURE", "timestamptz"),
        "outcomes": ("FUNCTION", ""),
    }

    def create_table(self, contract: Contract) -> str:
        """One row for each key."""
        table, key = text.relation(contract), contract["key"]
        types = {column["name"]: column["type"] for column in contract["columns"]}
        stored = [
            *(f"{ident(column)} {types[column]}" for column in [*key, *attributes(contract)]),
            f"{ident(since(contract))} {types.get(since(contract), 'timestamptz')} NOT NULL",
            "_source_bronze_id bigint NOT NULL",
            "_batch_id uuid NOT NULL",
            "_loaded_at timestamptz NOT NULL DEFAULT now()",
            f"PRIMARY KEY ({text.names(key)})",
            *constraints.in_table(contract),
        ]
        return (
            f"CREATE TABLE {table} (\n{text.lines(stored)}\n);\n"
            f"{text.comment(f'TABLE {table}', contract.get('description', ''))}"
            f"{horizon.create_base(contract, [*key, *attributes(contract)])}"
        )

    def routines(self, contract: Contract) -> list[str]:
        return [
            self._fold(contract), self._load(contract), self._rebuild(contract), freeze.routine(contract),
            replay.fold(contract), outcomes.scd2(contract),
        ]  # fmt: skip

    def _load(self, contract: Contract) -> str:
        target, columns = literal(text.target(contract)), [*contract["key"], *attributes(contract)]
        latest = absence.seen(contract, "events", absence.TAKEN)
        everything = as_events(contract, "fold_events", "pg_temp.again") + "\n" + horizon.add(contract, columns)
        return text.procedure(
            text.routine(contract, "load"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\n"
            f"l_seen_until timestamptz;\nl_gone_until timestamptz;\nl_read bigint;\n{_COUNTS}\nl_late text[];"
            f"{late.declared(contract)}",
            f"""\
{gates.rebuild_first(contract)}SELECT * INTO l_load FROM dwh_lineage.begin_load({target}, l_batch_id);
IF l_load.taken IS NULL THEN
    RETURN;
END IF;
SELECT t.last_event_at, t.last_gone_at INTO l_seen_until, l_gone_until FROM dwh_lineage.targets AS t
WHERE t.target = {target};
{evaluated(contract, "l_load.taken")}
{gates.check(contract)}{gates.record_rules(contract)}{references.retry(contract)}{record(contract)}
{land_again(contract)}{as_events(contract, "events", "pg_temp.evaluated")}
l_events := l_read - l_rejected;
ANALYZE pg_temp.events;
{absence.load(contract, columns, everything, self._newer(contract))}

UPDATE dwh_lineage.targets
SET last_event_at = greatest(last_event_at, {latest}){set_gone(contract)}
WHERE target = {target};
{checks.ask_table(contract)}{finish(contract, _UNCHANGED)}""",
            f"Loads what waits for {text.target(contract)}: the newest event of each key, by the source's time, "
            "stands; rows that break a rule become exceptions. Takes the run's id. Locks the table's row in "
            "dwh_lineage.targets.",
        )

    def _newer(self, contract: Contract) -> str:
        """Folds the touched keys: the newer events onto their row, or everything of a late key's."""
        key = contract["key"]
        return f"""\
{self._touched(contract)}
{self._fold_events(contract)}
SELECT array_agg({text.key_text(contract, {name: f"t.{ident(name)}" for name in key})}) INTO l_late
FROM pg_temp.touched AS t WHERE t._late;
IF l_late IS NOT NULL THEN
{text.indented(late.find(contract))}\
    DROP TABLE IF EXISTS pg_temp.again;
    CREATE TEMP TABLE again ON COMMIT DROP AS
    SELECT v.* FROM {late.evaluated(contract)} AS v WHERE {text.not_skipped(contract, "v")};
{text.indented(land(contract, "holds its rules now", "pg_temp.again"))}
    INSERT INTO pg_temp.fold_events
    SELECT
{text.lines(event_columns(contract, "e"), 2)}
    FROM pg_temp.again AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND {horizon.is_live(contract, effective(contract, "e"))};
{text.indented(horizon.add(contract, [*key, *attributes(contract)], late=True)).rstrip()}
END IF;
CALL {text.routine(contract, "fold")}(l_batch_id, false, l_inserted, l_updated, l_deleted);"""

    def _touched(self, contract: Contract) -> str:
        """The keys with an event that may change their row, and which of them are late."""
        key, values, table = contract["key"], attributes(contract), text.relation(contract)
        said = f"{text.row(values, 's')} IS NOT DISTINCT FROM {text.row(values, 'e')}"
        begin = f"s.{ident(since(contract))}"
        return f"""\
DROP TABLE IF EXISTS pg_temp.touched;
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT {text.names(key, "n")}, bool_or(n._effective <= l_seen_until AND {known(contract, "n._stands")}) IS TRUE AS _late
FROM (
    SELECT {text.names(key, "e")}, e._effective, s._source_bronze_id IS NOT NULL AS _stands
    FROM pg_temp.events AS e
    LEFT JOIN {table} AS s ON {text.equal(key, "s", "e")}
    WHERE CASE WHEN s._source_bronze_id IS NULL THEN NOT e._deleted
        WHEN e._deleted OR NOT ({said}) THEN e._effective >= {begin}
        ELSE e._effective < {begin} OR (e._effective = {begin} AND s._source_bronze_id > e._bronze_id) END
) AS n
GROUP BY {text.names(key, "n")};
ANALYZE pg_temp.touched;"""

    def _fold_events(self, contract: Contract) -> str:
        """The fast path: of a touched key that is not late, its row as an event, and the newer ones."""
        key, columns, table = contract["key"], [*contract["key"], *attributes(contract)], text.relation(contract)
        return f"""\
DROP TABLE IF EXISTS pg_temp.fold_events;
CREATE TEMP TABLE fold_events ON COMMIT DROP AS
SELECT e.*
FROM pg_temp.events AS e
JOIN pg_temp.touched AS t ON {text.equal(key, "t", "e")}
WHERE NOT t._late AND (
    l_seen_until IS NULL OR e._effective > l_seen_until
    OR NOT EXISTS (SELECT 1 FROM {table} AS x WHERE {text.equal(key, "x", "e")})
)
UNION ALL
SELECT s._source_bronze_id, s.{ident(since(contract))}::timestamptz, false, NULL, NULL, {text.names(columns, "s")}
FROM {table} AS s
JOIN pg_temp.touched AS t ON {text.equal(key, "t", "s")}
WHERE NOT t._late;
"""

    def _rebuild(self, contract: Contract) -> str:
        target, columns = literal(text.target(contract)), [*contract["key"], *attributes(contract)]
        latest = absence.seen(contract, "fold_events", absence.ALL_BATCHES.format(literal(contract["source"])))
        return text.procedure(
            text.routine(contract, "rebuild"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_read bigint;\n" + _COUNTS,
            f"""\
SELECT * INTO l_load FROM dwh_lineage.begin_load({target}, l_batch_id, true);
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
WHERE target = {target};
{finish(contract, _UNCHANGED)}""",
            f"Makes {text.target(contract)} what bronze and the rules say, in place: only differences are written. "
            "Takes the run's id. Locks the table's row in dwh_lineage.targets.",
        )

    def _fold(self, contract: Contract) -> str:
        key, values, table = contract["key"], attributes(contract), text.relation(contract)
        columns, begin = [*key, *values], since(contract)
        written = [*values, begin, "_source_bronze_id"]
        kind = next((column["type"] for column in contract["columns"] if column["name"] == begin), "timestamptz")
        return text.procedure(
            text.routine(contract, "fold"),
            "in_batch_id uuid, in_all boolean, INOUT io_inserted bigint, INOUT io_updated bigint, "
            "INOUT io_deleted bigint",
            "",
            f"""\
ANALYZE pg_temp.fold_events;
DROP TABLE IF EXISTS pg_temp.folded;
CREATE TEMP TABLE folded ON COMMIT DROP AS
SELECT {text.names(columns, "k")}, k._effective::{kind} AS {ident(begin)}, k._bronze_id AS _source_bronze_id
FROM (
    SELECT DISTINCT ON ({text.names(key, "k")}) k.*
    FROM (
{text.indented(changes(contract, "pg_temp.fold_events"), 2)}
    ) AS k
    ORDER BY {text.names(key, "k")}, k._effective DESC
) AS k
WHERE NOT k._deleted;
ANALYZE pg_temp.folded;

DELETE FROM {table} AS s
WHERE (in_all OR EXISTS (SELECT 1 FROM pg_temp.fold_events AS e WHERE {text.equal(key, "e", "s")}))
    AND NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE {text.equal(key, "f", "s")});
GET DIAGNOSTICS io_deleted = ROW_COUNT;

UPDATE {table} AS s
SET {", ".join(f"{ident(name)} = f.{ident(name)}" for name in written)}, _batch_id = in_batch_id, _loaded_at = now()
FROM pg_temp.folded AS f
WHERE {text.equal(key, "f", "s")} AND {text.row(written, "s")} IS DISTINCT FROM {text.row(written, "f")};
GET DIAGNOSTICS io_updated = ROW_COUNT;

INSERT INTO {table} ({text.names([*key, *written])}, _batch_id)
SELECT {text.names([*key, *written], "f")}, in_batch_id
FROM pg_temp.folded AS f
WHERE NOT EXISTS (SELECT 1 FROM {table} AS s WHERE {text.equal(key, "s", "f")});
GET DIAGNOSTICS io_inserted = ROW_COUNT;{record_seen(contract)}""",
            f"Folds the histories of the keys in pg_temp.fold_events; writes what they end with to "
            f"{text.target(contract)} where that differs. in_all: the events are all there are, so that other "
            "keys have no row. Called by the load and the rebuild, which hold the table's row.",
        )


_UNCHANGED = "l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted - l_updated, 0), l_rejected"
HISTORY = Scd1History()
