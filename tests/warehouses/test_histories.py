"""Any history of batches, loaded in any portions, gives what the model gives: incremental = one load = rebuild."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from psycopg import sql

from medallion import bronze
from tests.warehouses import bench_database as bench
from tests.warehouses import histories, model
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

#: In all, over the tests of this module; ASSAY_EXAMPLES asks for more.
EXAMPLES = int(os.environ.get("ASSAY_EXAMPLES", "200"))


def examples(share: float) -> settings:
    """The settings of a test that gets a share of the examples."""
    return settings(
        max_examples=max(1, int(EXAMPLES * share)), deadline=None, derandomize="ASSAY_EXAMPLES" not in os.environ,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip


MODELS: dict[str, tuple[Callable[[model.BronzeRow], model.Judged], Callable[..., Any]]] = {
    "silver.readings": (model.readings, model.append),
    "silver.members": (model.members, model.MEMBERS.fold),
    "silver.presences": (model.presences, model.PRESENCES.fold),
    "silver.states": (model.members, model.STATES.fold),
    "silver.rolls": (model.rolls, model.ROLLS.fold),
    "silver.roll_now": (model.rolls, model.ROLL_NOW.fold),
    "silver.latest": (model.members, model.LATEST.fold),
    "silver.latest_seen": (model.presences, model.LATEST_SEEN.fold),
}


HISTORIES = [target for target in MODELS if target != "silver.readings"]


@dataclass
class World:
    """A connection with what has been ingested and loaded in its transaction."""

    lab: bench.Connection
    source: type[bronze.Table]
    silver: tuple[str, ...]
    gold: tuple[str, ...]
    rows: list[model.BronzeRow] = field(default_factory=list)
    loaded: int = 0
    surrogates: dict[str, dict[tuple[Any, ...], int]] = field(default_factory=dict)

    def take(self, batch: histories.Batch) -> None:
        """Ingests a batch, and loads where the history says so."""
        at = histories.time_of(batch)
        if batch.file is None:
            if not batch.rows:
                return
            written = bench.foreign(self.lab, self.source, batch.rows, at)
        else:
            first = bench.EXPLICIT_IDS + batch.block * 100
            written = bench.ingest(self.lab, self.source, batch.rows, batch.file, at, first)
        self.rows += [
            model.BronzeRow(bronze_id, written.batch_no, written.file, written.checksum, at, row)
            for bronze_id, row in zip(written.ids, batch.rows, strict=True)
        ]
        if batch.loaded:
            self.load()

    def load(self) -> None:
        for target in (*self.silver, *self.gold):
            bench.call(self.lab, target)
        self.loaded = len(self.rows)

    def check(self) -> None:
        """Everything equals the model: rows, exceptions, issues, the accounting line, gold."""
        for target in self.silver:
            self._check_silver(target)
        for target in self.gold:
            assert rows_of(self.lab, target) == self._queried(target), target
        waiting = Counter({"waiting": len(self.rows) - self.loaded})
        if not waiting["waiting"]:
            assert self._count("SELECT count(*) FROM dwh_lineage.pendings AS p JOIN dwh_lineage.batches AS b USING "
                               "(batch_no) WHERE p.consumer = ANY (%s) AND b.rows_inserted > 0",
                               [*self.silver, *self.gold]) == 0  # fmt: skip

    def _check_silver(self, target: str) -> None:
        judge, build = MODELS[target]
        taken = self.rows[: self.loaded]
        expected, outcomes = build(taken)
        found = bench.rows(self.lab, target)
        assert without_surrogate(found) == multiset(expected), target
        self._check_surrogates(target, found)
        assert quarantined(self.lab, target) == model.exceptions(taken, judge), target
        breaches = Counter(rule for broken in model.exceptions(taken, judge).values() for rule in broken)
        assert open_by_issue(self.lab, target) == breaches, target
        line = self._count("SELECT dwh_etl.measure_accounting(%s)", target)
        assert line.pop("gap") == 0, (target, line)
        assert line.pop(f"{self.source.target} rows") == len(self.rows)
        waiting = Counter({"waiting": len(self.rows) - self.loaded}) if len(self.rows) > self.loaded else Counter()
        assert Counter(line) == model.counted(outcomes) + waiting, target

    def _check_surrogates(self, target: str, found: list[dict[str, Any]]) -> None:
        """A version (its key and its begin) that was there before has the surrogate key that it had."""
        name = next((name for name in found[0] if name.endswith("_sk")), None) if found else None
        if name is None:
            return
        _judge, build = MODELS[target]
        key = build.__self__.key  # type: ignore[attr-defined]
        now = {(*(row[column] for column in key), row["valid_from"]): row[name] for row in found}
        before = self.surrogates.get(target, {})
        assert {version: now[version] for version in before if version in now} == {
            version: surrogate for version, surrogate in before.items() if version in now
        }
        self.surrogates[target] = now

    def _queried(self, target: str) -> Counter[Any]:
        table = next(table for table in bench.GOLD if table.target == target)
        query = table.parsed().among_standing(table.contract().get("standing", {}))
        return multiset(self.lab.execute(query).fetchall())

    def _count(self, statement: str, parameter: Any) -> Any:
        row = self.lab.execute(statement, (parameter,)).fetchone()
        assert row is not None
        return row[0]


def multiset(rows: Any) -> Counter[Any]:
    """Rows that can be compared, whatever their order."""
    return Counter(tuple(sorted(row.items())) if isinstance(row, dict) else tuple(row) for row in rows)


def without_surrogate(rows: list[dict[str, Any]]) -> Counter[Any]:
    return multiset([{k: v for k, v in row.items() if not k.endswith("_sk")} for row in rows])


def rows_of(connection: bench.Connection, target: str) -> Counter[Any]:
    """A gold table's rows without surrogate keys; of a dimension the members that stand."""
    rows = [row for row in bench.rows(connection, target) if row.pop("_retired_at", None) is None]
    return multiset(
        [tuple(v for k, v in row.items() if not k.endswith("_key")) for row in rows if -1 not in row.values()]
    )


def quarantined(connection: bench.Connection, target: str) -> dict[int, set[str]]:
    """The broken rules of each open exception, by bronze id."""
    found: dict[int, set[str]] = {}
    for bronze_id, rule in connection.execute(
        "SELECT e.bronze_id, b.rule FROM dwh_lineage.quality_exceptions AS e "
        "LEFT JOIN dwh_lineage.exception_breaches AS b "
        "ON b.exception_id = e.id WHERE e.target_table = %s AND e.state = 'open'",
        (target,),
    ):
        found.setdefault(bronze_id, set()).add(rule)
    return found


def open_by_issue(connection: bench.Connection, target: str) -> Counter[str]:
    """How many open breaches each rule's issue counts."""
    return Counter(
        dict(
            connection.execute(
                "SELECT i.rule, sum(d.delta)::int FROM dwh_lineage.quality_issues AS i "
                "JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id WHERE i.target = %s "
                "GROUP BY 1 HAVING sum(d.delta) <> 0",
                (target,),
            ).fetchall()
        )
    )


def everything(connection: bench.Connection, *targets: str) -> dict[str, Counter[Any]]:
    """All rows of some tables in all columns."""
    return {
        target: multiset(
            connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(*target.split("."))))
        )
        for target in targets
    }


def live(connection: bench.Connection, source: type[bronze.Table], silver: list[str], gold: list[str]) -> World:
    """A world in a new transaction; what was there before is rolled back."""
    connection.execute("ROLLBACK")
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    return World(connection, source, tuple(silver), tuple(gold))


def assert_idempotent(world: World) -> None:
    """Loads that find nothing, and rebuilds, change nothing at all; nor does one load of everything at once."""
    targets = (*world.silver, *world.gold)
    stood = everything(world.lab, *targets)
    batches = world._count("SELECT count(*) FROM dwh_lineage.batches WHERE kind = ANY (%s)", ["load"])
    world.load()
    assert everything(world.lab, *targets) == stood
    assert world._count("SELECT count(*) FROM dwh_lineage.batches WHERE kind = ANY (%s)", ["load"]) == batches
    for target in targets:
        bench.call(world.lab, target, "rebuild")
    assert everything(world.lab, *targets) == stood
    world.check()


def assert_one_load_is_the_same(world: World) -> None:
    """The silver tables emptied, every batch pending again, one load of all."""
    for target in world.silver:
        world.lab.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(*target.split("."))))
        world.lab.execute("UPDATE dwh_lineage.targets SET last_event_at = NULL WHERE target = %s", (target,))
        make_pending_again(world, target)
    world.surrogates.clear()
    world.load()
    world.check()


def make_pending_again(world: World, target: str) -> None:
    world.lab.execute(
        "INSERT INTO dwh_lineage.pendings (consumer, batch_no) "
        "SELECT %s, batch_no FROM dwh_lineage.batches WHERE target = %s",
        (target, world.source.target),
    )


@given(history=histories.batches(histories.MEMBER))
@examples(0.35)
def test_histories_are_what_the_model_folds_however_they_arrive(lab: bench.Connection, history: list[Any]) -> None:
    world = live(lab, warehouse.RawMembers, HISTORIES,
                 ["gold.dim_member", "gold.members_by_region", "gold.names"])  # fmt: skip
    for batch in history:
        world.take(batch)
        if batch.loaded:
            world.check()
    world.load()
    world.check()
    assert_idempotent(world)


@given(history=histories.batches(histories.MEMBER, most=6))
@examples(0.15)
def test_one_load_of_all_and_batches_taken_twice_are_the_same(lab: bench.Connection, history: list[Any]) -> None:
    world = live(lab, warehouse.RawMembers, HISTORIES, [])
    for batch in history:
        world.take(batch)
    world.load()
    stood = everything(lab, *world.silver)
    for target in world.silver:
        make_pending_again(world, target)
    world.load()
    assert everything(lab, *world.silver) == stood
    assert_one_load_is_the_same(world)


@given(history=histories.batches(histories.READING, most=8))
@examples(0.5)
def test_append_tables_hold_each_good_row_once(lab: bench.Connection, history: list[Any]) -> None:
    world = live(lab, warehouse.RawReadings, ["silver.readings"], ["gold.readings_by_day"])
    for batch in history:
        world.take(batch)
        world.check()
    world.load()
    world.check()
    assert_idempotent(world)


def test_a_version_s_source_is_the_first_row_that_said_it_even_one_that_arrives_later(lab: bench.Connection) -> None:
    world = live(lab, warehouse.RawMembers, HISTORIES, [])
    said = {"region": "n", "id": "1", "name": "A", "updated": "2024-01-01"}
    for block in (3, 2, 1):
        world.take(histories.Batch(f"{block}.csv", 0, block, (said,), loaded=True))
        world.check()
    assert {row["_source_bronze_id"] for row in bench.rows(lab, "silver.members")} == {bench.EXPLICIT_IDS + 100}
