"""Maintenance: partitions stand ready before anybody needs them, and new blocks are known to the BRIN indexes."""

from __future__ import annotations

import io
import itertools

import pytest
from django.core.management import call_command
from django.db import connection

from medallion import compile
from medallion.maintenance import maintain
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bronze() -> None:
    execute(compile.create("bronze.raw_readings", warehouse.RawReadings.contract(), "lab").forward)


def execute(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, None)
        return list(cursor.fetchall()) if cursor.description else []


def partitions() -> list[tuple[object, ...]]:
    return execute("SELECT inhrelid::regclass::text FROM pg_inherits "
                   "WHERE inhparent = 'bronze.raw_readings_rows'::regclass ORDER BY 1")  # fmt: skip


def made_now() -> int:
    return next(done.partitions for done in maintain("test") if done.target == "bronze.raw_readings")


def test_missing_partitions_are_made_with_their_guards() -> None:
    made = partitions()
    execute(f"DROP TABLE {made[-1][0]}")
    assert made_now() == 1
    assert partitions() == made
    guards = execute(f"SELECT count(*) FROM pg_trigger WHERE tgrelid = '{made[-1][0]}'::regclass AND tgenabled = 'A'")
    assert guards == [(3,)]
    assert made_now() == 0


def test_new_blocks_are_summarised() -> None:
    execute("INSERT INTO bronze.raw_readings (sensor, note) "
            "SELECT 'ab', repeat('x', 500) FROM generate_series(1, 5000)")  # fmt: skip
    # Summarises what is left and says how much that was: nothing, after maintenance.
    maintain("test")
    left = execute("SELECT sum(brin_summarize_new_values(x.indexrelid)) FROM pg_index AS x "
                   "JOIN pg_inherits AS i ON i.inhrelid = x.indrelid "
                   "WHERE i.inhparent = 'bronze.raw_readings_rows'::regclass")  # fmt: skip
    assert left == [(0,)]


def test_the_command_says_what_it_did() -> None:
    assert said() == "bronze.raw_readings: 0 partitions made."


def test_the_command_says_what_went_and_what_waits() -> None:
    execute("CALL dwh_etl.ensure_bronze_partitions('bronze.raw_readings', in_since => now() - interval '1 month'); "
            "UPDATE dwh_lineage.targets SET contract = contract || '{\"retention\": \"1 day\"}' "
            "WHERE target = 'bronze.raw_readings'")  # fmt: skip
    execute(compile.create("silver.readings", warehouse.Readings.contract(), "lab").forward)
    execute("UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'silver.readings'")
    assert said().endswith("past its retention: waits for silver.readings's rebuild.")
    execute("UPDATE dwh_lineage.targets SET needs_rebuild = false")
    assert said().endswith("past its retention: dropped, 0 rows.")
    assert execute("SELECT dropped_by FROM dwh_lineage.dropped_partitions") == [("Ann",)]
    assert said() == "bronze.raw_readings: 0 partitions made."


def said() -> str:
    """The last line that the command writes of the table."""
    out = io.StringIO()
    call_command("maintain", "--by", "Ann", stdout=out)
    lines = itertools.dropwhile(lambda line: not line.startswith("bronze.raw_readings"), out.getvalue().splitlines())
    first = next(lines)
    return [first, *itertools.takewhile(lambda line: line.startswith(" "), lines)][-1]
