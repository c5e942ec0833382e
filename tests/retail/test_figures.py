"""The retail example gives its figures: on the real files, and on generated ones against the truth beside them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from medallion.ingestion.ingest import Ingested, ingest_source
from medallion.registry import warehouse
from retail import generator
from tests.warehouses.bench_database import run

Connection = psycopg.Connection[tuple[Any, ...]]
Copy = Callable[[], Connection]

REAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "online_retail_2010_12"
TABLES = (
    "silver.invoice_lines",
    "silver.retail_customers",
    "gold.retail_dim_product",
    "gold.retail_daily_revenue",
    "gold.retail_monthly_revenue",
)
real_files = pytest.mark.skipif(not REAL.is_dir(), reason=f"The real files are not there: {REAL}")


def ingest(connection: Connection, files: Sequence[Path]) -> int:
    """Ingests the files as the worker would, and returns how many were new."""
    connection.execute("SET ROLE etl_service")
    results = ingest_source(
        connection, warehouse().bronze_specs["bronze.raw_invoice_lines"], files, root=files[0].parent
    )
    assert all(isinstance(result, Ingested) for result in results), results
    return sum(not result.skipped for result in results if isinstance(result, Ingested))


def load(connection: Connection, verb: str = "load") -> None:
    for table in TABLES:
        run(connection, table, verb)


def value(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def figures(connection: Connection) -> dict[str, Any]:
    """The figures by which the example is judged, and what its tables hold."""
    breaches = connection.execute(
        "SELECT rule, count(*) FROM dwh_lineage.exception_breaches AS b "
        "JOIN dwh_lineage.quality_exceptions AS e ON e.id = b.exception_id "
        "WHERE e.target_table = 'silver.invoice_lines' GROUP BY rule"
    )
    histories = "SELECT customer_id, country, valid_from, valid_to, is_current FROM silver.retail_customers"
    return {
        "bronze rows": value(connection, "SELECT count(*) FROM bronze.raw_invoice_lines"),
        "silver lines": value(connection, "SELECT count(*) FROM silver.invoice_lines"),
        "exceptions": value(
            connection,
            "SELECT count(*) FROM silver.quality_exceptions WHERE target_table = 'silver.invoice_lines'",
        ),
        "breaches": dict(breaches.fetchall()),
        "revenue": value(connection, "SELECT sum(quantity * unit_price) FROM silver.invoice_lines"),
        "daily": value(connection, "SELECT sum(revenue) FROM gold.retail_daily_revenue"),
        "monthly": value(connection, "SELECT sum(revenue) FROM gold.retail_monthly_revenue"),
        "customers in the lines": value(connection, "SELECT count(DISTINCT customer_id) FROM silver.invoice_lines"),
        "customers": value(connection, "SELECT count(DISTINCT customer_id) FROM silver.retail_customers"),
        "versions": value(connection, "SELECT count(*) FROM silver.retail_customers"),
        "histories": value(
            connection, f"SELECT md5(string_agg(h::text, ',' ORDER BY h::text)) FROM ({histories}) AS h"
        ),
        "gaps": [
            value(connection, f"SELECT (dwh_etl.measure_accounting('{table}') ->> 'gap')::int") for table in TABLES[:2]
        ],
    }


REAL_FIGURES = {
    "bronze rows": 42_481,
    "silver lines": 26_157,
    "exceptions": 16_324,
    "breaches": {
        "customer_id:required": 15_631,
        "quantity:greater_than": 798,
        "invoice_no:does_not_match": 728,
        "unit_price:greater_than": 273,
    },
    "revenue": Decimal("572713.89"),
    "daily": Decimal("572713.89"),
    "monthly": Decimal("572713.89"),
    "customers in the lines": 885,
    "customers": 948,
    "versions": 949,
    "gaps": [0, 0],
}


@pytest.mark.slow
@real_files
def test_the_real_files_give_the_same_figures_at_once_one_by_one_and_in_any_order(database_copy: Copy) -> None:
    files = sorted(REAL.glob("*.csv"))
    shuffled = random.Random(7).sample(files, len(files))
    found = []
    for groups in ([files], [[file] for file in files], [shuffled[:9], shuffled[9:10], shuffled[10:]]):
        connection = database_copy()
        for group in groups:
            assert ingest(connection, group) == len(group)
            load(connection)
        found.append(figures(connection))
        assert found[-1].items() >= REAL_FIGURES.items()
    assert found[0] == found[1] == found[2]


@real_files
def test_the_real_files_twice_add_nothing_and_a_rebuild_changes_nothing(database_copy: Copy) -> None:
    connection, files = database_copy(), sorted(REAL.glob("*.csv"))
    ingest(connection, files)
    load(connection)
    before, batches = figures(connection), value(connection, "SELECT count(*) FROM dwh_lineage.batches")
    assert ingest(connection, files) == 0
    load(connection)
    assert value(connection, "SELECT count(*) FROM dwh_lineage.batches") == batches
    load(connection, "rebuild")
    assert figures(connection) == before
    written = connection.execute(
        "SELECT sum(rows_inserted + rows_updated + rows_deleted) FROM dwh_lineage.batches WHERE kind = 'rebuild'"
    ).fetchone()
    assert written == (0,)


def test_generated_files_give_the_truth_that_lies_beside_them(database_copy: Copy, tmp_path: Path) -> None:
    connection, truth = database_copy(), generator.write(tmp_path, scale=0.1)
    ingest(connection, sorted(tmp_path.glob("*.csv")))
    load(connection)
    found = figures(connection)
    rules = {
        "customer": "customer_id:required",
        "quantity": "quantity:greater_than",
        "cancellation": "invoice_no:does_not_match",
        "price": "unit_price:greater_than",
        "date": "invoiced_at:castable",
    }
    assert found["bronze rows"] == truth.bronze_rows
    assert found["silver lines"] == truth.silver_lines
    assert found["exceptions"] == truth.exceptions
    assert found["breaches"] == {rules[name]: count for name, count in truth.breaches.items()}
    assert found["revenue"] == found["daily"] == found["monthly"] == truth.revenue
    assert (found["customers"], found["versions"]) == (truth.customers, truth.customer_versions)
    assert found["gaps"] == [0, 0]
    by_day = connection.execute("SELECT day::text, sum(revenue) FROM gold.retail_daily_revenue GROUP BY day").fetchall()
    assert dict(by_day) == truth.revenue_by_day
    unreadable = connection.execute("SELECT count(*), min(reason) FROM dwh_lineage.unreadable_lines").fetchone()
    assert unreadable is not None
    assert unreadable[0] == truth.unreadable_lines == 2


def test_the_generator_writes_the_same_bytes_each_time_and_moves_customers(tmp_path: Path) -> None:
    first = generator.write(tmp_path / "a", scale=0.05)
    generator.write(tmp_path / "b", scale=0.05)
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    assert json.loads((tmp_path / "a" / "truth.json").read_text())["bronze_rows"] == first.bronze_rows
    assert first.customer_versions > first.customers
    assert all(first.breaches[name] for name in ("customer", "quantity", "cancellation", "price"))
