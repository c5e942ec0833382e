"""One test for each fault of the guide's SQL that concerns ingestion and loads; the number is that of the errata.

1 (rows lost behind a watermark) under load: test_isolation. 8, 9 value by value: test_casts. 16: test_bronze_guards.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Connect
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

MEMBER: dict[str, str | None] = {"region": "n", "id": "1", "name": "A", "state": "a", "updated": "2024-01-01"}
READING: dict[str, str | None] = {
    "sensor": "ab", "order": "1", "amount": "1", "big": "2", "at": "2024-01-01", "state": "on"
}  # fmt: skip


def history(lab: bench.Connection) -> list[tuple[Any, ...]]:
    """(name, state, day of valid_from, is_current) of member 1 in order."""
    return lab.execute(
        "SELECT name, state, extract(day FROM valid_from AT TIME ZONE 'UTC')::int, is_current FROM silver.members "
        "WHERE id = 1 ORDER BY valid_from"
    ).fetchall()


def members(lab: bench.Connection, *changes: dict[str, str | None], file: str = "a.csv") -> None:
    bench.ingest(lab, warehouse.RawMembers, [MEMBER | change for change in changes], file)


def test_errata_1_a_transaction_that_commits_late_is_taken_by_the_next_load(connect_crowd: Connect) -> None:
    slow, quick = connect_crowd(), connect_crowd()
    slow.execute("BEGIN")
    bench.ingest(slow, warehouse.RawReadings, [READING | {"note": "slow"}], f"slow {os.getpid()}")
    with quick.transaction():
        bench.ingest(quick, warehouse.RawReadings, [READING | {"note": "quick"}], f"quick {os.getpid()}")
    bench.run(quick, "silver.readings")
    slow.execute("COMMIT")
    bench.run(quick, "silver.readings")
    notes = quick.execute("SELECT note FROM silver.readings WHERE note IN ('slow', 'quick') ORDER BY 1").fetchall()
    assert notes == [("quick",), ("slow",)]


def test_errata_2_the_first_load_takes_everything(lab: bench.Connection) -> None:
    watermarks = "SELECT dwh_etl.get_watermark('silver.members')::text, dwh_etl.get_watermark('no.such')::text"
    assert lab.execute(watermarks).fetchone() == ("-infinity", "-infinity")
    members(lab, {}, {"id": "2"})
    bench.call(lab, "silver.members")
    assert len(bench.rows(lab, "silver.members")) == 2
    assert lab.execute("SELECT isfinite(dwh_etl.get_watermark('silver.members'))").fetchone() == (True,)


def test_errata_5_nulls_and_borders_between_columns_are_seen(lab: bench.Connection) -> None:
    for day, change in enumerate(
        ({"name": None}, {"name": ""}, {"name": "a|b", "state": None}, {"name": None}, {"name": "a", "state": "b"},
         {"name": "ab", "state": None}), 1
    ):  # fmt: skip
        members(lab, {"updated": f"2024-01-{day:02}"} | change)
        bench.call(lab, "silver.members")
    assert [row[:2] for row in history(lab)] == [
        (None, "a"), ("", "a"), ("a|b", None), (None, "a"), ("a", "b"), ("ab", None)
    ]  # fmt: skip


def test_errata_6_the_same_row_three_times_is_one_version(lab: bench.Connection) -> None:
    for day, score in enumerate(("5", " 5", "05"), 1):
        members(lab, {"score": score, "updated": f"2024-01-{day:02}"}, file=f"{day}.csv")
        bench.call(lab, "silver.members")
    assert history(lab) == [("A", "a", 1, True)]


def test_errata_7_all_versions_of_one_file_are_kept_in_the_source_s_order(lab: bench.Connection) -> None:
    members(lab, *({"name": f"v{day}", "updated": f"2024-01-{day:02}"} for day in (3, 1, 5, 2, 4)))
    members(lab, {"name": "first of 6", "updated": "2024-01-06"}, {"name": "last of 6", "updated": "2024-01-06"})
    bench.call(lab, "silver.members")
    assert [row[0] for row in history(lab)] == ["v1", "v2", "v3", "v4", "v5", "last of 6"]


@pytest.mark.parametrize("bad", ["not a uuid", "a0eebc99-9c0b-4ef8-bb6d"])
def test_errata_8_one_bad_value_costs_one_row(lab: bench.Connection, bad: str) -> None:
    bench.ingest(lab, warehouse.RawReadings, [READING, READING | {"tag": bad}, READING])
    bench.call(lab, "silver.readings")
    assert len(bench.rows(lab, "silver.readings")) == 2
    breach = "SELECT b.rule, b.value FROM dwh_lineage.exception_breaches AS b"
    assert lab.execute(breach).fetchall() == [("tag:castable", bad)]


def test_errata_9_a_day_that_does_not_exist_costs_one_row(lab: bench.Connection) -> None:
    bench.ingest(lab, warehouse.RawReadings, [READING, READING | {"day": "2024-02-30"}])
    bench.call(lab, "silver.readings")
    assert len(bench.rows(lab, "silver.readings")) == 1


def test_errata_10_history_says_when_it_was_true_and_two_loads_share_a_transaction(lab: bench.Connection) -> None:
    members(lab, {"name": "B", "updated": "2024-01-02"})
    bench.call(lab, "silver.members")
    members(lab, {"name": "A"})
    bench.call(lab, "silver.members")
    found = lab.execute("SELECT name, valid_from, valid_to FROM silver.members ORDER BY valid_from").fetchall()
    first, second = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)
    assert found == [("A", first, second), ("B", second, None)]


def test_errata_11_null_does_not_hold_a_rule_unless_it_may(lab: bench.Connection) -> None:
    bench.ingest(lab, warehouse.RawReadings, [READING | {"state": None, "note": None}])
    bench.call(lab, "silver.readings")
    assert lab.execute("SELECT rule FROM dwh_lineage.exception_breaches").fetchall() == [("state:one_of",)]


def test_errata_12_a_rejected_row_is_kept_and_not_lost_behind_a_watermark(lab: bench.Connection) -> None:
    bad = READING | {"order": "many"}
    bench.ingest(lab, warehouse.RawReadings, [bad])
    bench.call(lab, "silver.readings")
    bench.ingest(lab, warehouse.RawReadings, [READING])
    bench.call(lab, "silver.readings")
    state, issues, data = lab.execute("SELECT state, issues, source_data FROM silver.quality_exceptions").fetchone()  # type: ignore[misc]
    assert (state, issues) == ("open", ["order is no whole number"])
    assert {name: data[name] for name in bad} == bad
    line = lab.execute("SELECT dwh_etl.measure_accounting('silver.readings')").fetchone()
    assert line == ({"current": 1, "quarantined": 1, "bronze.raw_readings rows": 2, "gap": 0},)


def test_errata_16_etl_service_does_its_work_and_nothing_else(connect: Connect) -> None:
    connection = connect()
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SET ROLE etl_service")
    run = connection.execute("SELECT dwh_lineage.start_pipeline('lab')").fetchone()
    bench.ingest(connection, warehouse.RawMembers, [MEMBER])
    for target in bench.LOADED:
        bench.call(connection, target)
        bench.call(connection, target, "rebuild")
    connection.execute("CALL dwh_lineage.complete_pipeline(%s)", run)
    assert connection.execute("SELECT status FROM dwh_lineage.pipeline_runs WHERE batch_id = %s", run).fetchone() == (
        "completed",
    )
    for statement in ("DELETE FROM bronze.raw_members_rows", "DELETE FROM dwh_lineage.batches",
                      "DROP TABLE silver.members", "UPDATE dwh_lineage.targets SET contract = '{}'"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(statement)  # type: ignore[arg-type]


def test_errata_18_a_client_without_rights_on_the_server_copies_its_rows(lab: bench.Connection) -> None:
    lab.execute("SET ROLE etl_service")
    members(lab, {}, {"id": "2"})
    assert lab.execute("SELECT count(*) FROM bronze.raw_members").fetchone() == (2,)


def test_errata_19_a_load_can_be_called_twice_in_one_transaction(lab: bench.Connection) -> None:
    for number in range(3):
        members(lab, {"id": str(number)})
        for target in bench.LOADED:
            bench.call(lab, target)
            bench.call(lab, target, "rebuild")
    assert len(bench.rows(lab, "gold.dim_member")) == 1 + 3  # the unknown member


def test_errata_28_every_edge_has_true_counts_and_its_run(lab: bench.Connection) -> None:
    run = lab.execute("SELECT dwh_lineage.start_pipeline('lab')").fetchone()
    assert run is not None
    members(lab, {}, {"id": "2"}, {"id": "x"}, {"id": "1", "updated": "2024-01-02", "name": "B"})
    for target in ("silver_members", "gold_members_by_region"):
        lab.execute(f"CALL dwh_etl.load_{target}(%s)", run)
    edges = lab.execute(
        "SELECT l.source_table, l.target_table, l.rows_read, l.rows_inserted, l.rows_rejected "
        "FROM dwh_lineage.table_lineage AS l JOIN dwh_lineage.pipeline_runs AS r USING (run_id) "
        "WHERE r.batch_id = %s ORDER BY l.lineage_id",
        run,
    ).fetchall()
    assert edges == [
        ("bronze.raw_members", "silver.members", 4, 3, 1),
        ("silver.members", "gold.members_by_region", 3, 1, 0),
    ]
