"""A column of JSON that is declared later: rows that came before get what their record has of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

FIRST = """
class Orders(sources.JsonLines):
    path = "orders/*.jsonl"


class Changes(sources.JsonLines):
    path = "changes/*.jsonl"
    envelope = sources.Debezium()


class ShopOrders(bronze.Table):
    source = Orders
    columns = {"id": "id"}


class ShopItems(bronze.Table):
    source = Orders
    explode = "items"
    columns = {"product": "product"}


class ShopChanges(bronze.Table):
    source = Changes
    columns = {"id": "id"}


class ShopSeen(silver.Table):
    id = Integer("id", rules=[AtLeast(2)])

    class Meta:
        source = ShopOrders
"""
LATER = (
    FIRST.replace('{"id": "id"}', '{"id": "id", "city": ("address.city", "address.town"), "tags": "tags"}', 1)
    .replace('{"product": "product"}', '{"product": "product", "price": "price", "order_id": "^.id"}')
    .replace(
        'source = Changes\n    columns = {"id": "id"}',
        'source = Changes\n    columns = {"id": "id", "email": "email", "born": sources.EpochDate("born"), '
        '"amount": sources.Decimal("amount", 2)}',
    )
)
ORDERS = [
    {"id": 1, "address": {"city": "Bath"}, "tags": ["a", "b"],
     "items": [{"product": "x", "price": 1.50}, {"product": "y"}]},
    {"id": 2, "address": {"town": "Hull"}, "tags": None, "items": []},
    {"id": 3},
]  # fmt: skip
CENTS = base64.b64encode((1234).to_bytes(2, "big")).decode()
CHANGES = [
    {"op": "c", "after": {"id": 1, "email": "a@b.example", "born": 365, "amount": CENTS}, "ts_ms": 1},
    {"op": "d", "before": {"id": 2, "email": "c@d.example", "born": None, "amount": CENTS}, "after": None, "ts_ms": 2},
    {"schema": {}, "payload": {"op": "u", "before": None, "after": {"id": 3}, "ts_ms": 3}},
]


def test_old_rows_are_what_new_rows_are(shop: Shop) -> None:
    def arrive() -> None:
        for source, records in (("orders", ORDERS), ("changes", CHANGES)):
            shop.sql.execute("SELECT dwh_etl.ingest_records(%s, %s)", (source, json.dumps(records)))

    def halves(table: str, columns: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        rows = shop.sql.execute(f"SELECT {columns} FROM bronze.{table} ORDER BY _bronze_id").fetchall()
        return rows[: len(rows) // 2], rows[len(rows) // 2 :]

    shop.sql.prepare_threshold = None
    shop.step(FIRST)
    arrive()
    shop.run("silver.shop_seen")
    shop.step(LATER)
    arrive()
    for table, columns in (("shop_orders", "id, city, tags"), ("shop_items", "product, price"),
                           ("shop_changes", "id, email, born, amount, _cdc_operation")):  # fmt: skip
        old, new = halves(table, columns)
        assert old == new, table
    assert halves("shop_orders", "city")[0] == [("Bath",), ("Hull",), (None,)]
    assert halves("shop_changes", "born, amount")[0] == [("1971-01-01", "12.34"), (None, "12.34"), (None, None)]
    assert halves("shop_items", "order_id")[0] == [(None,), (None,)], "the record around an element is not kept"
    source_data = shop.value("SELECT source_data ->> 'city' FROM dwh_lineage.quality_exceptions")
    assert source_data == "Bath", "who corrects the row does not see the new column"
    with pytest.raises(Exception, match="append-only"):
        shop.sql.execute("UPDATE bronze.shop_orders_rows SET city = 'York'")
