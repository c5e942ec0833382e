"""The star of the ecommerce example is what plain Python makes of the truth behind the files."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.examples.conftest import TABLES, Shop
from tests.examples.star import Star, worked_out

pytestmark = pytest.mark.django_db

GOLD = ("dim_date", "dim_customer", "dim_product", "dim_geography", "fact_sales", "fact_inventory", "agg_daily_sales",
        "agg_customer_ltv", "agg_product_performance", "mv_customer_lifetime_value")  # fmt: skip


@pytest.fixture(scope="session")
def star(files: Any) -> Star:
    return worked_out(files.folder)


def load(shop: Shop, layer: str, *tables: str) -> None:
    for table in tables:
        shop.query_nothing(f"CALL dwh_etl.load_{layer}_{table}()")


def rows(shop: Shop, query: str) -> dict[Any, tuple[Any, ...]]:
    """The first column, or the first few where that is a tuple, to the others."""
    return {row[0] if not isinstance(row[0], list) else tuple(row[0]): tuple(row[1:]) for row in shop.query(query)}


def sales(shop: Shop) -> dict[Any, tuple[Any, ...]]:
    found = shop.query("""
        SELECT f.order_id::text, f.order_line_number, f.customer_key, c.customer_id::text, c.valid_from, f.product_key,
            p.product_id, p.valid_from, f.geography_key, g.country, g.city, d.full_date, f.quantity, f.unit_price,
            f.discount_amount, f.tax_amount
        FROM gold.fact_sales AS f
        JOIN gold.dim_customer AS c USING (customer_key)
        JOIN gold.dim_product AS p USING (product_key)
        JOIN gold.dim_geography AS g USING (geography_key)
        JOIN gold.dim_date AS d USING (date_key)
    """)
    return {
        (order, line): (
            (customer, since) if customer_key > 0 else None, (product, from_) if product_key > 0 else None,
            (country, city) if place_key > 0 else None, *measures,
        )
        for order, line, customer_key, customer, since, product_key, product, from_, place_key, country, city, *measures
        in found
    }  # fmt: skip


def inventory(shop: Shop) -> dict[Any, tuple[Any, ...]]:
    found = shop.query("""
        SELECT d.full_date, f.product_id, f.product_key, p.product_id, p.valid_from, f.on_hand, f.reserved,
            f.stock_value
        FROM gold.fact_inventory AS f
        JOIN gold.dim_product AS p USING (product_key)
        JOIN gold.dim_date AS d USING (date_key)
    """)
    return {
        (day, thing): ((product, since) if key > 0 else None, *measures)
        for day, thing, key, product, since, *measures in found
    }


def check(shop: Shop, star: Star) -> None:
    assert sales(shop) == star.sales
    assert inventory(shop) == star.inventory
    daily = shop.query("""
        SELECT d.full_date, a.customer_segment, a.product_category, a.order_count, a.item_count, a.net_revenue
        FROM gold.agg_daily_sales AS a JOIN gold.dim_date AS d USING (date_key)
    """)
    assert {tuple(row[:3]): tuple(row[3:]) for row in daily} == star.daily
    assert rows(shop, "SELECT customer_id::text, total_orders, lifetime_value, first_order_date, last_order_date "
                      "FROM gold.agg_customer_ltv") == star.lifetime  # fmt: skip
    assert rows(shop, "SELECT product_id, order_count, units_sold, net_revenue "
                      "FROM gold.agg_product_performance") == star.products  # fmt: skip
    lifetimes = rows(
        shop, "SELECT customer_id::text, total_orders, lifetime_value FROM gold.mv_customer_lifetime_value"
    )
    assert lifetimes == {
        customer: star.lifetime.get(customer, (0, 0))[:2]
        for (customer,) in shop.query("SELECT customer_id::text FROM silver.customers WHERE is_current")
    }


def test_day_by_day_gives_the_star(shop: Shop, star: Star) -> None:
    for day in range(3):
        for table in TABLES:
            shop.ingest(table, shop.files.of(table)[day])
        load(shop, "silver", *TABLES)
        load(shop, "gold", *GOLD)
    check(shop, star)


@pytest.mark.parametrize("seed", [1, 2])
def test_files_and_loads_in_any_order_give_the_star(shop: Shop, star: Star, seed: int) -> None:
    dice = random.Random(seed)
    arriving = [(table, path) for table in TABLES for path in shop.files.of(table)]
    dice.shuffle(arriving)
    loads: list[Callable[[], None]] = [lambda t=t: load(shop, "silver", t) for t in TABLES]  # type: ignore[misc]
    # Not those with gates: facts before their dimensions have more unknown members than these allow.
    loads += [lambda t=t: load(shop, "gold", t) for t in GOLD if t != "fact_sales"]  # type: ignore[misc]
    for table, path in arriving:
        shop.ingest(table, path)
        dice.choice(loads)()
    load(shop, "silver", *TABLES)
    load(shop, "gold", *GOLD)
    check(shop, star)


def test_a_fact_with_too_many_unknown_members_is_held_back(shop: Shop) -> None:
    for table in TABLES:
        shop.ingest(table)
    load(shop, "silver", *TABLES)
    with pytest.raises(psycopg.DatabaseError, match=r"gold\.fact_sales do not hold") as refused:
        load(shop, "gold", "fact_sales")
    assert refused.value.sqlstate == "AS070"
    assert "100 percent of the rows have a customer_key that leads nowhere" in str(refused.value.diag.message_detail)


def test_the_average_is_of_orders_not_of_lines(shop: Shop) -> None:
    for table in TABLES:
        shop.ingest(table)
    load(shop, "silver", *TABLES)
    load(shop, "gold", *GOLD)
    assert shop.query("""
        SELECT count(*) FROM gold.agg_daily_sales AS a
        WHERE a.avg_order_value <> round(a.net_revenue / a.order_count, 2)
    """) == [(0,)]  # fmt: skip


def test_the_guides_names_call_the_engine(shop: Shop) -> None:
    for table in TABLES:
        shop.ingest(table)
    load(shop, "silver", *TABLES)
    for call in ("generate_dim_date('2019-12-01', '2019-12-31')", "update_dim_date_flags()", "merge_dim_customer()",
                 "load_gold_dim_product()", "load_gold_dim_geography()", "load_dim_customer()",
                 "create_fact_partitions(2024, 2025)", "load_fact_sales('2026-03-02')", "refresh_agg_daily_sales()",
                 "refresh_agg_daily_sales(20260302)", "load_gold_agg_customer_ltv()", "refresh_customer_ltv()",
                 "maintain_statistics()"):  # fmt: skip
        shop.query_nothing(f"CALL dwh_etl.{call}")
    assert shop.query("SELECT count(*) FROM gold.dim_date WHERE year = 2019") == [(31,)]
    assert shop.query("SELECT to_regclass('gold.fact_sales_2024') IS NOT NULL") == [(True,)]
    (sold,), (lifetime,) = shop.query(
        "SELECT sum(net_revenue) FROM gold.agg_daily_sales WHERE customer_segment <> 'Unknown' "
        "UNION ALL SELECT sum(lifetime_value) FROM gold.agg_customer_ltv"
    )
    assert sold == lifetime > 0
