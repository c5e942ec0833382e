"""What the database itself holds of silver tables: enums, generated columns."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from medallion import compile
from tests.warehouses import bench_database as bench
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

GOOD = {"sensor": "ab", "order": "1", "amount": "1", "big": "5", "at": "2024-01-01 10:00", "state": "ON"}


def test_the_table_refuses_what_the_load_would_never_write(lab: bench.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), lab.transaction():
        lab.execute(
            "INSERT INTO silver.readings (sensor, at, state, _source_bronze_id, _batch_id) "
            "VALUES ('ab', now(), 'broken', 1, gen_random_uuid())"
        )


def test_constraints_and_generated_columns_come_and_go_with_the_declaration(lab: bench.Connection) -> None:
    new = warehouse.Readings.contract()
    old = {**new, "columns": [_without_rules(column) for column in new["columns"]]}
    del old["generated"]
    bench.ingest(lab, warehouse.RawReadings, [GOOD, GOOD | {"at": None, "state": "broken"}])
    change = compile.replace("silver.readings", old, new, "lab")
    lab.execute(change.backward)
    bench.call(lab, "silver.readings", "rebuild")
    assert [row["state"] for row in bench.rows(lab, "silver.readings")] == ["on", "broken"]
    lab.execute(change.forward)
    bench.call(lab, "silver.readings", "rebuild")
    assert [(row["state"], row["initial"]) for row in bench.rows(lab, "silver.readings")] == [("on", "a")]
    with pytest.raises(psycopg.errors.CheckViolation), lab.transaction():
        lab.execute("UPDATE silver.readings SET state = 'broken'")


def _without_rules(column: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in column.items() if name not in ("rules", "values")}
