"""What the star must hold, worked out in plain Python from the true silver versions that the generator writes."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

Row = dict[str, str]
#: A natural key and the begin of a version; None: the unknown member.
Version = tuple[str, datetime] | None


@dataclass
class Star:
    """Facts and figures."""

    #: (order, line) → (customer's version, product's version, place, day, quantity, price, discount, tax).
    sales: dict[tuple[str, int], tuple[object, ...]] = field(default_factory=dict)
    #: (day, product) → (product's version, on hand, reserved, value).
    inventory: dict[tuple[date, str], tuple[object, ...]] = field(default_factory=dict)
    #: (day, segment, category) → (orders, items, net revenue).
    daily: dict[tuple[date, str, str], tuple[int, int, Decimal]] = field(default_factory=dict)
    #: Customer → (orders, revenue, first day, last day).
    lifetime: dict[str, tuple[int, Decimal, date, date]] = field(default_factory=dict)
    #: Product → (orders, units, revenue).
    products: dict[str, tuple[int, int, Decimal]] = field(default_factory=dict)


class _Versions:
    """A silver table's versions, by key."""

    def __init__(self, folder: Path, table: str, *key: str) -> None:
        self.by_key: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        with (folder / "truth" / f"silver.{table}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self.by_key[tuple(row[name] for name in key)].append(row)

    def current(self) -> Iterator[Row]:
        return (row for rows in self.by_key.values() for row in rows if not row["valid_to"])

    def at(self, moment: datetime, *key: str) -> Row | None:
        """The version that held at a moment."""
        for row in self.by_key.get(key, ()):
            ended = row["valid_to"] and _moment(row["valid_to"]) <= moment
            if _moment(row["valid_from"]) <= moment and not ended:
                return row
        return None


def worked_out(folder: Path) -> Star:
    """The star of the files in a folder."""
    customers = _Versions(folder, "customers", "customer_id")
    products = _Versions(folder, "products", "product_id")
    orders = {row["order_id"]: row for row in _Versions(folder, "orders", "order_id").current()
              if row["status"] not in ("cancelled", "returned")}  # fmt: skip
    star, segments = Star(), _segments(orders)
    groups: dict[str, dict[object, list[tuple[str, int, Decimal, date]]]] = defaultdict(lambda: defaultdict(list))
    for item in _Versions(folder, "order_items", "order_id", "order_line_number").current():
        order = orders.get(item["order_id"])
        if order is None:
            continue
        ordered = _moment(order["ordered_at"])
        customer = customers.at(ordered, order["customer_id"])
        product = products.at(ordered, item["product_id"])
        quantity, price = int(item["quantity"]), Decimal(item["unit_price"])
        discount, tax = Decimal(item["discount"] or 0), Decimal(item["tax"] or 0)
        star.sales[item["order_id"], int(item["order_line_number"])] = (
            _version(customer, "customer_id"), _version(product, "product_id"),
            customer and (customer["country"], customer["city"]), ordered.date(), quantity, price, discount, tax,
        )  # fmt: skip
        sold = (item["order_id"], quantity, quantity * price - discount + tax, ordered.date())
        segment = segments.get(customer["customer_id"], "new") if customer else "Unknown"
        groups["daily"][ordered.date(), segment, product["category"] if product else "Unknown"].append(sold)
        if customer:
            groups["lifetime"][customer["customer_id"]].append(sold)
        if product:
            groups["products"][product["product_id"]].append(sold)
    _add_up(star, groups)
    _count_stock(star, folder, products)
    return star


def _add_up(star: Star, groups: dict[str, dict[object, list[tuple[str, int, Decimal, date]]]]) -> None:
    for key, sold in groups["daily"].items():
        star.daily[key] = (_orders(sold), sum(s[1] for s in sold), sum(s[2] for s in sold))  # type: ignore[index,assignment]
    for key, sold in groups["lifetime"].items():
        days = [s[3] for s in sold]
        star.lifetime[key] = (_orders(sold), sum(s[2] for s in sold), min(days), max(days))  # type: ignore[index,assignment]
    for key, sold in groups["products"].items():
        star.products[key] = (_orders(sold), sum(s[1] for s in sold), sum(s[2] for s in sold))  # type: ignore[index,assignment]


def _orders(sold: list[tuple[str, int, Decimal, date]]) -> int:
    return len({order for order, *_ in sold})


def _segments(orders: dict[str, Row]) -> dict[str, str]:
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for order in orders.values():
        spent[order["customer_id"]] += Decimal(order["total"])
    return {
        customer: "high_value" if total >= 500 else "regular" if total > 0 else "new"
        for customer, total in spent.items()
    }


def _count_stock(star: Star, folder: Path, products: _Versions) -> None:
    stock = _Versions(folder, "stock", "product_id")
    days = [_moment(row["valid_from"]).date() for rows in stock.by_key.values() for row in rows]
    for number in range((max(days) - min(days)).days + 1):
        day = min(days) + timedelta(days=number)
        # The last moment of the day.
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), _UTC) - timedelta(microseconds=1)
        for (product_id,) in stock.by_key:
            row, product = stock.at(end, product_id), products.at(end, product_id)
            if row is not None:
                held = int(row["on_hand"])
                value = held * Decimal(product["price"]) if product else None
                star.inventory[day, product_id] = (
                    _version(product, "product_id"), held, int(row["reserved"]), value,
                )  # fmt: skip


def _version(row: Row | None, key: str) -> Version:
    return (row[key], _moment(row["valid_from"])) if row else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


_UTC = datetime.fromisoformat("2026-01-01 00:00:00+00:00").tzinfo
