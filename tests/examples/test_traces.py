"""The shop's rows are traced to the very cells of its files, and its aggregates are what their rows add up to."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lineage.explaining import explain
from tests.examples.conftest import TABLES, Files, Shop

pytestmark = pytest.mark.django_db

GOLD = ("dim_customer", "dim_product", "dim_geography", "fact_sales", "agg_daily_sales", "agg_customer_ltv",
        "agg_product_performance")  # fmt: skip


@pytest.fixture
def loaded(shop: Shop) -> Shop:
    for table in TABLES:
        shop.ingest(table)
        shop.load(table)
    shop.query_nothing("CALL dwh_etl.load_gold_dim_date()")
    for table in GOLD:
        shop.query_nothing(f"CALL dwh_etl.load_gold_{table}()")
    return shop


def lines(files: Files, file: str) -> list[dict[str, str]]:
    with (files.root / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def arrived(shop: Shop, table: str, key: object) -> Iterator[tuple[str, int, str, int]]:
    """(bronze table, bronze id, file, record number) of the rows behind a row."""
    for name, of, file, number in shop.query(
        "SELECT table_name, key, source_file, record_no FROM dwh_lineage.trace_row(%s, %s, 1000)"
        " WHERE table_name LIKE 'bronze.%%'",
        table, key,
    ):  # fmt: skip
        yield name, of["_bronze_id"], file, number


def test_rows_of_the_fact_lead_to_the_records_of_the_files_with_their_values(loaded: Shop, files: Files) -> None:
    (first, last) = loaded.query("SELECT min(sales_key), max(sales_key) FROM gold.fact_sales")[0]
    for key in (first, last):
        found = set(arrived(loaded, "gold.fact_sales", str(key)))
        assert {"bronze.raw_order_items", "bronze.raw_orders"} <= {name for name, *_ in found}
        for name, number, file, record in found:
            (row,) = loaded.query(f"SELECT to_jsonb(b) FROM {name} AS b WHERE b._bronze_id = %s", number)[0]
            cells = lines(files, file)[record - 1]
            held = {column: value or None for column, value in cells.items() if column in row}
            assert held
            assert {column: row[column] for column in held} == held


def test_aggregates_are_what_their_rows_add_up_to(loaded: Shop) -> None:
    for table in ("agg_daily_sales", "agg_customer_ltv", "agg_product_performance"):
        assert_adds_up(loaded, table)


def assert_adds_up(loaded: Shop, table: str) -> None:
    rows = loaded.query(f"SELECT to_jsonb(t) FROM gold.{table} AS t ORDER BY t::text LIMIT 8")
    assert rows
    grain = loaded.query("SELECT contract -> 'grain' FROM dwh_lineage.targets WHERE target = %s", f"gold.{table}")[0][0]
    for (row,) in rows:
        key = json.dumps({name: row[name] for name in grain})
        with loaded.connection.cursor() as cursor:
            found = explain(cursor, f"gold.{table}", key, most=10_000)
        assert found.agrees, found.figures
        assert found.rows == len(found.contributions) > 0
        facts = {
            json.dumps(of, default=str)
            for c in found.contributions
            for name, of in c.origins
            if name == "gold.fact_sales"
        }
        traced = {
            json.dumps(of)
            for name, of in loaded.query(
                "SELECT source_table, source_key FROM dwh_lineage.origins_of(%s, dwh_lineage.find_row(%s, %s), 10000)",
                f"gold.{table}", f"gold.{table}", key,
            )
            if name == "gold.fact_sales"
        }  # fmt: skip
        assert facts == traced


def test_what_has_become_of_a_record_is_what_the_accounting_line_says(loaded: Shop) -> None:
    outcomes: dict[str, Any] = {}
    for number, outcome in loaded.query("SELECT bronze_id, outcome FROM dwh_etl.outcomes_silver_customers()"):
        outcomes.setdefault(outcome, number)
    assert {"current", "history", "quarantined"} <= outcomes.keys()
    for outcome, number in outcomes.items():
        found = loaded.query("SELECT outcome, key FROM dwh_lineage.outcome_of('silver.customers', %s)", number)
        assert found[0][0] == outcome
        assert (found[0][1] is not None) == (outcome in ("current", "history"))
