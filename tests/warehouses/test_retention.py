"""Retention: what goes, what it waits for, and what stays as it was said."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from medallion import compile, silver
from tests.warehouses import bench_database as bench
from tests.warehouses.aging import keep, month, old_months, on, retire
from tests.warehouses.conftest import Connect
from tests.warehouses.decisions import changing_states, correct, decide, queue, value, waive
from tests.warehouses.lab import warehouse
from tests.warehouses.test_histories import HISTORIES
from tests.warehouses.world import everything, quarantined

pytestmark = pytest.mark.django_db
READING = {"sensor": "ab", "order": "1", "big": "10", "amount": "1", "at": "2024-01-01 10:00:00", "state": "on"}
N1 = {"region": "n", "id": "1", "name": "A", "state": "a", "op": "U"}


@pytest.fixture
def aged(lab: bench.Connection) -> bench.Connection:
    """The laboratory with partitions of the last months."""
    old_months(lab)
    return lab


def ingest(lab: bench.Connection, ago: int, *rows: dict[str, str | None], load: bool = True) -> tuple[int, ...]:
    """A file that came so many months ago, loaded by every silver table."""
    table = warehouse.RawReadings if "sensor" in rows[0] else warehouse.RawMembers
    first = bench.EXPLICIT_IDS + 1000 * next(_blocks)
    ids = bench.ingest(lab, table, rows, f"{first}.csv", month(ago) + timedelta(days=3), first).ids
    if load:
        for target in HISTORIES if table is warehouse.RawMembers else ["silver.readings"]:
            bench.call(lab, target)
    return ids


_blocks = count(1)


def periods(lab: bench.Connection, target: str = "silver.members") -> list[tuple[Any, ...]]:
    return lab.execute(
        f"SELECT name, valid_from::date::text, valid_to::date::text FROM {target} ORDER BY valid_from"
    ).fetchall()


def test_a_month_goes_with_a_record_of_who_and_what(aged: bench.Connection) -> None:
    ids = ingest(aged, 4, READING, READING | {"order": "2"})
    kept = ingest(aged, 1, READING)
    gone = retire(aged, warehouse.RawReadings, "2 months")
    name = f"bronze.raw_readings_{month(4):%Y_%m}"
    assert [(month, rows) for month, rows, _ in gone if rows] == [(name, 2)]
    assert all(waits is None for _, _, waits in gone)
    (record,) = aged.execute(
        "SELECT target, partition, retention, until, rows, last_batch_no - first_batch_no, first_ingested_at, "
        "last_ingested_at, dropped_by FROM dwh_lineage.dropped_partitions WHERE rows > 0"
    ).fetchall()
    at = month(4) + timedelta(days=3)
    assert record == ("bronze.raw_readings", name, "2 months", month(3), 2, 0, at, at, "tester")
    assert {row["_source_bronze_id"] for row in bench.rows(aged, "silver.readings")} == {*ids, *kept}
    bench.call(aged, "silver.readings", "rebuild")
    assert {row["_source_bronze_id"] for row in bench.rows(aged, "silver.readings")} == {*ids, *kept}
    line = value(aged, "SELECT dwh_etl.measure_accounting('silver.readings')")
    assert line == {"bronze.raw_readings rows": 1, "current": 1, "gap": 0}
    with pytest.raises(psycopg.Error, match="Cannot update or delete"), aged.transaction():
        aged.execute("DELETE FROM dwh_lineage.dropped_partitions")


def test_without_a_retention_everything_is_kept(aged: bench.Connection) -> None:
    ingest(aged, 5, READING)
    assert aged.execute("SELECT * FROM dwh_etl.retire_partitions('bronze.raw_readings')").fetchall() == []


def test_a_month_waits_for_loads_for_decisions_and_for_older_months(aged: bench.Connection) -> None:
    ingest(aged, 5, READING, READING | {"order": "0"})
    ingest(aged, 4, READING)
    ingest(aged, 3, READING, load=False)
    waits = {name[-7:]: waits for name, _, waits in retire(aged, warehouse.RawReadings, "1 month")}
    first = f"bronze.raw_readings_{month(5):%Y_%m}"
    assert waits == {
        f"{month(6):%Y_%m}": None,
        f"{month(5):%Y_%m}": "decisions on 1 exceptions of silver.readings",
        f"{month(4):%Y_%m}": first,
        f"{month(3):%Y_%m}": f"silver.readings to take 1 batches; {first}",
        f"{month(2):%Y_%m}": first,
    }
    assert value(aged, "SELECT count(*) FROM bronze.raw_readings") == 4
    with changing_states(aged):
        aged.execute("UPDATE dwh_lineage.quality_exceptions SET state = 'rejected'")
    bench.call(aged, "silver.readings")
    assert {waits for _, _, waits in retire(aged, warehouse.RawReadings, "1 month")} == {None}
    assert value(aged, "SELECT count(*) FROM bronze.raw_readings") == 0
    assert len(bench.rows(aged, "silver.readings")) == 3


def test_nothing_goes_while_a_rebuild_is_due_or_a_line_has_a_gap(aged: bench.Connection) -> None:
    ingest(aged, 5, READING)
    aged.execute("UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'silver.readings'")
    waits = {waits for _, _, waits in retire(aged, warehouse.RawReadings, "2 months")}
    assert "silver.readings's rebuild" in waits
    aged.execute("UPDATE dwh_lineage.targets SET needs_rebuild = false; DELETE FROM silver.readings")
    waits = {waits for _, _, waits in retire(aged, warehouse.RawReadings, "2 months")}
    assert waits == {"the gap of 1 rows in the accounting line of silver.readings"}
    assert value(aged, "SELECT count(*) FROM bronze.raw_readings") == 1


def test_an_event_from_before_the_horizon_is_an_exception_that_no_waiver_lets_pass(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)})
    retire(aged, warehouse.RawMembers, "3 months")
    stood = periods(aged)
    (late,) = ingest(aged, 1, N1 | {"updated": on(4), "name": "B"})
    assert periods(aged) == stood == [("A", on(5), None)]
    assert quarantined(aged, "silver.members") == {late: {"updated:before_horizon"}}
    seen = value(aged, "SELECT source_data ->> 'name' FROM dwh_lineage.quality_exceptions "
                       "WHERE bronze_id = %s AND target_table = 'silver.members'", late)  # fmt: skip
    assert seen == "B"
    with pytest.raises(psycopg.Error, match="cannot be waived"), aged.transaction():
        waive(aged, "silver.members", "updated:before_horizon")
    bench.call(aged, "silver.members", "rebuild")
    assert periods(aged) == stood
    correct(aged, "silver.members", late, {"updated": on(1)})
    bench.call(aged, "silver.members", "rebuild")
    assert periods(aged) == [("A", on(5), on(1)), ("B", on(1), None)]
    assert quarantined(aged, "silver.members") == {}


def test_an_event_from_before_the_horizon_that_says_nothing_new_passes(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)})
    retire(aged, warehouse.RawMembers, "3 months")
    ingest(aged, 1, N1 | {"updated": on(4)})
    assert quarantined(aged, "silver.members") == {}
    assert value(aged, "SELECT dwh_etl.measure_accounting('silver.members')")["frozen"] == 1
    for again in ("-infinity", on(6)):
        aged.execute("CALL dwh_etl.set_watermark('silver.members', '_ingested_at', %s)", (again,))
        bench.call(aged, "silver.members")
    assert periods(aged) == [("A", on(5), None)]


def test_a_batch_that_is_taken_again_is_not_refused_for_what_it_settled(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)})
    ingest(aged, 1, N1 | {"updated": on(4), "name": "B"})  # late, but in time
    retire(aged, warehouse.RawMembers, "2 months")
    stood = everything(aged, *HISTORIES)
    for target in HISTORIES:
        aged.execute("CALL dwh_etl.set_watermark(%s, '_ingested_at', '-infinity')", (target,))
        bench.call(aged, target)
    assert everything(aged, *HISTORIES) == stood
    assert periods(aged) == [("A", on(5), on(4)), ("B", on(4), None)]
    assert quarantined(aged, "silver.members") == {}


def test_what_a_dropped_row_says_of_the_time_after_the_horizon_still_comes_true(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)}, N1 | {"updated": on(1), "name": "Z"})
    retire(aged, warehouse.RawMembers, "3 months")
    ingest(aged, 1, N1 | {"updated": on(2), "name": "B"})
    bench.call(aged, "silver.members", "rebuild")
    assert periods(aged) == [("A", on(5), on(2)), ("B", on(2), on(1)), ("Z", on(1), None)]
    assert value(aged, "SELECT name FROM silver.latest") == "Z"


@pytest.mark.parametrize("table", [warehouse.Latest, warehouse.States])
def test_where_a_later_row_breaks_a_new_rule_the_values_at_the_horizon_hold_again(
    aged: bench.Connection, table: type[silver.Table]
) -> None:
    ingest(aged, 5, N1 | {"updated": on(5), "score": "7"})
    ingest(aged, 1, N1 | {"updated": on(1), "score": "9"})
    retire(aged, warehouse.RawMembers, "3 months")
    assert value(aged, f"SELECT score FROM {table.target}") == 9
    old = table.contract()
    columns = [
        {**c, "rules": [{"kind": "condition", "message": "too high", "condition": "score < 9"}]}
        if c["name"] == "score" else c for c in old["columns"]
    ]  # fmt: skip
    aged.execute(compile.replace(table.target, old, {**old, "columns": columns}, "lab").forward)
    bench.call(aged, table.target, "rebuild")
    assert value(aged, f"SELECT score FROM {table.target}") == 7


def test_a_key_that_the_first_extract_after_the_horizon_lacks_is_gone_then(aged: bench.Connection) -> None:
    ingest(aged, 5, N1, N1 | {"id": "2", "name": "A"})
    retire(aged, warehouse.RawMembers, "3 months")
    ingest(aged, 1, N1 | {"updated": on(1)})
    stood = bench.rows(aged, "silver.rolls")
    assert {row["id"]: row["is_current"] for row in stood} == {1: True, 2: False}
    bench.call(aged, "silver.rolls", "rebuild")
    assert bench.rows(aged, "silver.rolls") == stood


def test_a_table_that_bronze_could_not_make_again_is_not_dropped(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)})
    retire(aged, warehouse.RawMembers, "3 months")
    old = warehouse.Presences.contract()
    fewer = {**old, "columns": [c for c in old["columns"] if c["name"] != "name"]}
    for change in (
        compile.remove("silver.presences", old, "lab"),
        compile.replace("silver.presences", old, {**old, "source": "bronze.raw_readings"}, "lab"),
        compile.replace("silver.presences", old, {**old, "surrogate": "presence_key"}, "lab"),
        compile.replace("silver.presences", old, fewer, "lab"),
    ):
        with pytest.raises(psycopg.Error, match="would be lost for ever") as caught, aged.transaction():
            aged.execute(change.forward)
        assert caught.value.sqlstate == "AS033"
    aged.execute("SET LOCAL assay.drop_rows = on")
    aged.execute(compile.replace("silver.presences", old, {**old, "surrogate": "presence_key"}, "lab").forward)
    assert value(aged, "SELECT fold_horizon FROM dwh_lineage.targets WHERE target = 'silver.presences'") is None


def test_a_new_column_is_empty_before_the_horizon(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)})
    retire(aged, warehouse.RawMembers, "3 months")
    ingest(aged, 1, N1 | {"updated": on(1), "name": "B"})
    old = warehouse.Members.contract()
    new = {**old, "columns": [*old["columns"], {"name": "deed", "expression": "op", "type": "text"}]}
    aged.execute(compile.replace("silver.members", old, new, "lab").forward)
    bench.call(aged, "silver.members", "rebuild")
    assert [(row["name"], row["deed"]) for row in bench.rows(aged, "silver.members")] == [("A", None), ("B", "U")]


def test_the_worker_drops_by_maintenance_alone(aged: bench.Connection) -> None:
    ingest(aged, 4, READING)
    keep(aged, warehouse.RawReadings, "2 months")
    aged.execute("SET LOCAL ROLE etl_service")
    for attempt in (
        f"DROP TABLE bronze.raw_readings_{month(4):%Y_%m}",
        f"ALTER TABLE bronze.raw_readings_rows DETACH PARTITION bronze.raw_readings_{month(4):%Y_%m}",
        "UPDATE dwh_lineage.targets SET fold_horizon = now()",
        "INSERT INTO dwh_lineage.dropped_partitions (target, partition, retention, until, rows, dropped_by) "
        "VALUES ('x', 'x', 'x', now(), 1, 'x')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), aged.transaction():
            aged.execute(attempt)
    assert 1 in [rows for _, rows, _ in aged.execute("SELECT * FROM dwh_etl.retire_partitions('bronze.raw_readings')")]


def test_a_table_in_use_keeps_its_months_until_the_next_maintenance(connect_crowd: Connect) -> None:
    worker, reader = connect_crowd(), connect_crowd()
    old_months(worker)
    keep(worker, warehouse.RawReadings, "2 months")
    with reader.transaction():
        reader.execute("SELECT count(*) FROM bronze.raw_readings")
        found = worker.execute("SELECT * FROM dwh_etl.retire_partitions('bronze.raw_readings')").fetchall()
        assert {waits for _, _, waits in found} == {"others, who use the table now"}
    found = worker.execute("SELECT * FROM dwh_etl.retire_partitions('bronze.raw_readings')").fetchall()
    assert {waits for _, _, waits in found} == {None}
    keep(worker, warehouse.RawReadings, None)


def test_a_decision_is_not_undone_for_a_row_that_went(aged: bench.Connection) -> None:
    (bad,) = ingest(aged, 5, READING | {"state": "onn"})
    decide(aged, "silver.readings", "correct")  # somebody who may decide
    decision = value(
        aged,
        "SELECT dwh_lineage.decide('correct', 'silver.readings', %s, in_by => 'steward', in_patch => %s)",
        Jsonb({"exceptions": [value(aged, "SELECT id FROM dwh_lineage.quality_exceptions")]}), Jsonb({"state": "on"}),
    )  # fmt: skip
    aged.execute("SELECT dwh_lineage.replay_chunk(%s, 100)", (decision,))
    retire(aged, warehouse.RawReadings, "3 months")
    with pytest.raises(psycopg.Error, match="changed nothing"), aged.transaction():
        aged.execute("SELECT dwh_lineage.undo(%s, 'steward')", (decision,))
    assert [row["_source_bronze_id"] for row in bench.rows(aged, "silver.readings")] == [bad]


def test_a_decision_is_not_undone_for_a_row_whose_history_is_settled(aged: bench.Connection) -> None:
    """Bronze still has the row, but what it says lies before the horizon; what it says of a later time is undone."""
    ingest(aged, 5, N1 | {"id": "2", "updated": on(5)})
    rows = N1 | {"updated": on(4), "state": "z"}, N1 | {"updated": on(1), "name": "B", "state": "z"}
    exceptions = "SELECT id FROM dwh_lineage.quality_exceptions WHERE target_table = %s AND bronze_id = %s"
    decide(aged, "silver.members", "correct")  # somebody who may decide
    bad = ingest(aged, 1, *rows)
    for target in HISTORIES:
        if quarantined(aged, target):
            for row in bad:
                carried(aged, target, row, value(aged, exceptions, target, row))
    settled, later = (decision for (decision,) in aged.execute(
        "SELECT d.id FROM dwh_lineage.quality_decisions AS d "
        "JOIN dwh_lineage.decision_rows AS r ON r.decision_id = d.id "
        "WHERE d.target = 'silver.members' ORDER BY r.bronze_id"
    ))  # fmt: skip
    stood = periods(aged)
    assert {("A", on(4), on(1)), ("B", on(1), None)} <= set(stood)
    retire(aged, warehouse.RawMembers, "3 months")
    with pytest.raises(psycopg.Error, match="changed nothing") as refused, aged.transaction():
        aged.execute("SELECT dwh_lineage.undo(%s, 'steward')", (settled,))
    assert "settled history" in str(refused.value.diag.message_hint)
    assert periods(aged) == stood
    undone = value(aged, "SELECT dwh_lineage.undo(%s, 'steward')", later)
    aged.execute("SELECT dwh_lineage.replay_chunk(%s, 100)", (undone,))
    assert ("A", on(4), None) in periods(aged)
    assert set(quarantined(aged, "silver.members")) == {bad[1]}
    assert value(aged, "SELECT dwh_etl.measure_accounting('silver.members')")["gap"] == 0


def carried(lab: bench.Connection, target: str, row: int, exception: int | None) -> None:
    """The row's exception corrected, where the table has one."""
    if exception is not None:
        decision = queue(lab, target, "correct", row, {"state": "a"})
        lab.execute("SELECT dwh_lineage.replay_chunk(%s, 100)", (decision,))


def test_a_load_that_began_before_months_went_begins_again(connect_empty: Connect) -> None:
    loader, keeper = connect_empty(), connect_empty()
    old_months(keeper)
    with bench.repeatable_read(keeper):
        ingest(keeper, 5, READING)
    loader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    assert 1 in [rows for _, rows, _ in retire(keeper, warehouse.RawReadings, "3 months")]
    with pytest.raises(psycopg.errors.SerializationFailure):
        bench.call(loader, "silver.readings", "rebuild")
    loader.execute("ROLLBACK")
    bench.run(loader, "silver.readings", "rebuild")
    assert len(bench.rows(loader, "silver.readings")) == 1


def test_a_new_table_begins_with_what_bronze_still_has(aged: bench.Connection) -> None:
    ingest(aged, 5, N1 | {"updated": on(5)})
    ingest(aged, 1, N1 | {"updated": on(1), "name": "B"})
    retire(aged, warehouse.RawMembers, "3 months")
    contract = warehouse.Members.contract()
    aged.execute(compile.create("silver.newcomers", contract, "lab").forward)
    bench.call(aged, "silver.newcomers")
    assert periods(aged, "silver.newcomers") == [("B", on(1), None)]
