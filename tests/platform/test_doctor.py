"""What the doctor finds: the damage is done, found, and gone after what the advice says."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import call_command
from django.db import connection

from assay import doctor
from lineage.models import Notification, PipelineRun
from medallion import compile
from medallion.models import Schedule
from medallion.schedules.tick import tick
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def lab() -> None:
    """A bronze and a silver table with a loaded row, gone after the test."""
    for table in (warehouse.RawReadings, warehouse.Readings):
        execute(compile.create(table.target, table.contract(), "lab").forward)
    execute(
        """INSERT INTO bronze.raw_readings (sensor, "order", amount, big, at, state)
        VALUES ('ab', '1', '1', '2', '2024-01-01', 'on')"""
    )
    execute("UPDATE dwh_lineage.targets SET needs_rebuild = false")
    # Loads want REPEATABLE READ, which a test's transaction is not: what the load would have written.
    execute(
        """
        INSERT INTO silver.readings (sensor, at, _source_bronze_id, _batch_id)
        SELECT sensor, at::timestamptz, _bronze_id, gen_random_uuid() FROM bronze.raw_readings;
        DELETE FROM dwh_lineage.pendings
        """
    )


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, None)


def problems() -> list[doctor.Finding]:
    """What is wrong with tables; the servers of the tests are not looked at."""
    looks = (
        doctor._strays, doctor._guards, doctor._partitions, doctor._retention, doctor._rebuilds, doctor._accounting,
    )  # fmt: skip
    return [finding for look in looks for finding in look() if finding.problem]


def the_problem() -> doctor.Finding:
    (found,) = problems()
    return found


def test_nothing_is_wrong_with_what_migrations_made() -> None:
    assert problems() == []


def test_a_partition_made_by_hand_is_found_and_guarded() -> None:
    execute(
        "CREATE TABLE bronze.by_hand PARTITION OF bronze.raw_readings_rows "
        "FOR VALUES FROM ('1999-01-01') TO ('1999-02-01')"
    )
    assert "bronze.by_hand is not guarded" in the_problem().detail
    execute(the_problem().advice)
    assert problems() == []


def test_guards_that_somebody_took_off_are_found_and_put_back() -> None:
    execute("ALTER TABLE bronze.raw_readings_rows DISABLE TRIGGER bronze_append_only")
    assert "bronze.raw_readings_rows is not guarded" in the_problem().detail
    execute(the_problem().advice)
    assert problems() == []


def test_a_partition_that_is_missing_ahead_is_found_and_made() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY-MM')")
        (month,) = cursor.fetchone()
    execute(f"DROP TABLE bronze.raw_readings_{month.replace('-', '_')}")
    assert the_problem().detail == f"bronze.raw_readings has no partition for {month}"
    execute(the_problem().advice)
    assert problems() == []


@pytest.mark.parametrize("table", ["silver.readings", "dwh_lineage.skips"])
def test_a_table_that_was_moved_is_found_and_moved_back(table: str) -> None:
    execute(f"ALTER TABLE {table} SET SCHEMA public")
    found = next(doctor._strays())
    assert found.problem
    assert f"public.{table.split('.')[1]} stands in the wrong schema" in found.detail
    execute(found.advice)
    assert problems() == []


def test_a_second_table_of_ours_is_found() -> None:
    execute("CREATE TABLE public.targets (x int)")
    assert the_problem().detail == "public.targets stands in the wrong schema"
    execute(re.sub(".*then: ", "", the_problem().advice))
    assert problems() == []


def test_a_table_that_nobody_declares_is_found() -> None:
    execute("CREATE TABLE silver.notes (x int)")
    assert the_problem().detail == "silver.notes is declared nowhere"


def test_a_gap_in_the_accounting_line_is_found_with_the_way_to_its_rows() -> None:
    execute("DELETE FROM silver.readings")
    found = the_problem()
    assert found.detail == "silver.readings: bronze.raw_readings rows 1 = 0 + 1 without an outcome"
    assert "manage.py rebuild silver.readings" in found.advice
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dwh_etl.outcomes_silver_readings() WHERE outcome IS NULL")
        assert cursor.fetchone() == (1,)


def test_schedules_that_nobody_looks_at_are_found() -> None:
    Schedule.objects.all().delete()
    assert list(doctor._ticks()) == []  # nothing to look at
    Schedule.objects.create(pipeline="daily", cron="0 2 * * *")
    execute("UPDATE dwh_lineage.schedules SET created_at = clock_timestamp() - interval '1 minute'")
    assert not next(doctor._ticks()).problem
    execute("UPDATE dwh_lineage.schedules SET created_at = clock_timestamp() - interval '1 hour'")
    (found,) = doctor._ticks()
    assert found.detail == "nobody has looked at them for 1 h 00 min"
    assert "manage.py up" in found.advice
    tick()
    assert not next(doctor._ticks()).problem
    execute("UPDATE dwh_lineage.ticks SET at = clock_timestamp() - interval '3 minutes'")
    assert next(doctor._ticks()).problem


def test_notifications_that_a_channel_does_not_take_are_found() -> None:
    assert list(doctor._notifications()) == []
    run = PipelineRun.objects.create(pipeline_name="daily", status="failed")
    notification = Notification.objects.get(event=f"run {run.pk}")
    notification.deliveries.create(channel="webhook", attempts=2, error="It answered 404 Not Found.")
    (found,) = doctor._notifications()
    assert found.detail == "1 not delivered by webhook: It answered 404 Not Found."


def test_the_command_fails_where_something_is_wrong() -> None:
    execute("CREATE TABLE silver.notes (x int)")
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out, stderr=err)
    assert "✗ Tables      silver.notes is declared nowhere" in out.getvalue()
    assert "Declare it" in out.getvalue()


def test_a_month_past_its_retention_that_waits_is_found_with_what_it_waits_for() -> None:
    execute(
        """
        CALL dwh_etl.ensure_bronze_partitions('bronze.raw_readings', in_since => now() - interval '1 month');
        UPDATE dwh_lineage.targets SET contract = contract || '{"retention": "1 day"}'
        WHERE target = 'bronze.raw_readings'
        """
    )
    (ready,) = doctor._retention()
    assert not ready.problem
    assert ready.detail.endswith("is past its retention; the next maintenance drops it")
    execute("UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'silver.readings'")
    (waits,) = doctor._retention()
    assert waits.problem
    assert waits.detail.endswith("is past its retention and waits for silver.readings's rebuild")
