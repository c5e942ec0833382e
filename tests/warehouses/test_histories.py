"""Any history of batches and decisions, loaded in any portions, gives what the model gives: incremental = one load =
rebuild."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from psycopg import sql

from medallion import bronze
from tests.warehouses import bench_database as bench
from tests.warehouses import histories, model
from tests.warehouses.conftest import Renewed
from tests.warehouses.decisions import value
from tests.warehouses.examples import examples
from tests.warehouses.lab import warehouse
from tests.warehouses.world import World, everything

pytestmark = pytest.mark.django_db

HISTORIES = [target for target in model.TABLES if target != "silver.readings"]


def live(connection: bench.Connection, source: type[bronze.Table], silver: list[str], gold: list[str]) -> World:
    """A world in a new transaction; what was there before is rolled back."""
    connection.execute("ROLLBACK")
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    return World(connection, source, tuple(silver), tuple(gold))


def assert_idempotent(world: World) -> None:
    """Loads that find nothing, and rebuilds, change nothing at all; nor does one load of everything at once."""
    targets = (*world.silver, *world.gold)
    stood = everything(world.lab, *targets)
    loads = "SELECT count(*) FROM dwh_lineage.batches WHERE kind = 'load'"
    batches = value(world.lab, loads)
    world.load()
    assert everything(world.lab, *targets) == stood
    assert value(world.lab, loads) == batches
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


@examples(0.35)
@given(history=histories.batches(histories.MEMBER, decided=1), tables=histories.some(HISTORIES, 3))
def test_histories_are_what_the_model_folds_however_they_arrive(
    renewed: Renewed, part: int, history: list[Any], tables: list[str]
) -> None:
    gold = ["gold.dim_member", "gold.members_by_region", "gold.names"] if "silver.members" in tables else []
    world = live(renewed(), warehouse.RawMembers, tables, gold)
    for batch in history:
        world.take(batch)
        if batch.loaded:
            world.check()
    world.load()
    world.settle()
    world.check()
    assert_idempotent(world)


@examples(0.15)
@given(history=histories.batches(histories.MEMBER, most=6, decided=1), tables=histories.some(HISTORIES, 3))
def test_one_load_of_all_and_batches_taken_twice_are_the_same(
    renewed: Renewed, part: int, history: list[Any], tables: list[str]
) -> None:
    lab = renewed()
    world = live(lab, warehouse.RawMembers, tables, [])
    for batch in history:
        world.take(batch)
    world.load()
    world.settle()
    stood = everything(lab, *world.silver)
    for target in world.silver:
        make_pending_again(world, target)
    world.load()
    assert everything(lab, *world.silver) == stood
    assert_one_load_is_the_same(world)


@examples(0.06)
@given(history=histories.batches(histories.MEMBER, most=6, decided=1))
def test_rows_wait_for_their_parents_and_leave_with_them(renewed: Renewed, part: int, history: list[Any]) -> None:
    world = live(renewed(), warehouse.RawMembers, ["silver.latest", *model.PARENTS], [])
    for batch in history:
        world.take(batch)
        if batch.loaded:
            world.check()
    world.load()
    world.settle()
    world.feed()
    world.check()
    assert_idempotent(world)


@examples(0.5)
@given(history=histories.batches(histories.READING, most=8, decided=1))
def test_append_tables_hold_each_good_row_once(renewed: Renewed, part: int, history: list[Any]) -> None:
    world = live(renewed(), warehouse.RawReadings, ["silver.readings"], ["gold.readings_by_day"])
    for batch in history:
        world.take(batch)
        world.check()
    world.load()
    world.settle()
    world.check()
    assert_idempotent(world)


def test_a_version_s_source_is_the_first_row_that_said_it_even_one_that_arrives_later(lab: bench.Connection) -> None:
    world = live(lab, warehouse.RawMembers, HISTORIES, [])
    said = {"region": "n", "id": "1", "name": "A", "updated": "2024-01-01"}
    for block in (3, 2, 1):
        world.take(histories.Batch(f"{block}.csv", 0, block, (said,), loaded=True))
        world.check()
    assert {row["_source_bronze_id"] for row in bench.rows(lab, "silver.members")} == {bench.EXPLICIT_IDS + 100}
