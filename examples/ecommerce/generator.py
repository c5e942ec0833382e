"""Writes three days of files as three careless systems would send them, and beside them the truth that they hide.

Deterministic: the same scale gives the same bytes, whatever the version of Python (of `random` only `random()` is used,
which is promised to stay). Memory does not grow with the scale: keys are dealt with in blocks.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections import Counter
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import UUID

from ecommerce import truth
from ecommerce.vocabulary import (
    CATEGORIES,
    CHANNELS,
    FEEDS,
    FIRST_NAMES,
    LAST_NAMES,
    LOOKS,
    PLACES,
    ROADS,
    STATUSES,
    THINGS,
    Feed,
)

FIRST_DAY = datetime(2026, 3, 2)
DAYS = 3
CUSTOMERS, PRODUCTS, ORDERS = 9_000, 600, 14_000
BLOCK = 500

Row = dict[str, str]
Item = TypeVar("Item")


class Dice:
    """Chance that is the same each time."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed).random  # noqa: S311 - the same files each time is the point

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def below(self, bound: int) -> int:
        return int(self._random() * bound)

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def shuffle(self, items: MutableSequence[Any]) -> None:
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


@dataclass(frozen=True)
class Sent:
    """A row on its way: in which feed, in the file of which day."""

    feed: str
    day: int
    row: Row


def write(folder: Path, scale: float = 1.0) -> truth.Truth:
    """Writes the files of all feeds, the truth's tables and `truth.json` into `folder`, made where it is missing."""
    shop = _Shop(scale)
    planted: Counter[str] = Counter()
    with ExitStack() as stack:
        files = _Files(folder, stack, planted)
        for what, count, send in (
            ("products", shop.products, shop.product),
            ("customers", shop.customers, shop.customer),
            ("orders", shop.orders, shop.order),
        ):
            for first in range(0, count, BLOCK):
                dice = Dice(f"{what} {first}")
                numbers = range(first, min(first + BLOCK, count))
                files.write(dice, [sent for number in numbers for sent in send(dice, number)])
    return truth.write(folder, planted)


class _Files:
    """The files of all feeds and days. On the way into them things happen to rows."""

    def __init__(self, folder: Path, stack: ExitStack, planted: Counter[str]) -> None:
        self.planted = planted
        self._open: dict[tuple[str, int], IO[str]] = {}
        for name, feed in FEEDS.items():
            for day in range(DAYS):
                path = folder / feed.folder / f"{name}_{FIRST_DAY + timedelta(days=day):%Y-%m-%d}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
                csv.writer(file, lineterminator="\n").writerow(_header(feed, day))
                self._open[name, day] = file

    def write(self, dice: Dice, block: list[Sent]) -> None:
        """One block: rows are spoilt, delayed, repeated, and mixed, as no system promises an order."""
        arriving: dict[tuple[str, int], list[Row]] = {place: [] for place in self._open}
        for sent in block:
            feed, day = FEEDS[sent.feed], sent.day
            if day + 1 < DAYS and dice.chance(0.03):
                self._plant("late")
                day += 1
            row = self._spoilt(dice, feed, sent.row)
            arriving[sent.feed, day] += [row] * (2 if dice.chance(0.01) else 1)
            if dice.chance(0.005):
                arriving[sent.feed, day].append(self._contradiction(dice, feed, row))
        for (name, day), rows in arriving.items():
            dice.shuffle(rows)
            self._write_rows(dice, FEEDS[name], day, self._open[name, day], rows)

    def _write_rows(self, dice: Dice, feed: Feed, day: int, file: IO[str], rows: list[Row]) -> None:
        writer = csv.writer(file, lineterminator="\n")
        header = _header(feed, day)
        for row in rows:
            cells = [row.get(name, dice.pick(feed.new_values)) for name in header]
            if feed.cut_off_on == day and dice.chance(0.03):
                self._plant("cut off")
                cells = cells[: 1 + dice.below(len(header) - 1)]
            writer.writerow(cells)

    def _spoilt(self, dice: Dice, feed: Feed, row: Row) -> Row:
        row = dict(row)
        for column in feed.noisy:
            if dice.chance(0.03):
                row[column] = f" {row[column].upper()} "
        while dice.chance(feed.dirt_rate):
            kind, column, values = dice.pick(feed.dirt)
            row[column] = dice.pick(values)
            self._plant(kind)
        return row

    def _contradiction(self, dice: Dice, feed: Feed, row: Row) -> Row:
        """Another row of the same key at the same moment."""
        self._plant("contradiction")
        return row | {feed.contradicted: dice.pick(feed.contradictions)}

    def _plant(self, kind: str) -> None:
        self.planted[kind] += 1


class _Shop:
    """What really happened: each key's events, a function of the key's number alone."""

    def __init__(self, scale: float) -> None:
        self.customers = max(30, round(CUSTOMERS * scale))
        self.products = max(200, round(PRODUCTS * min(scale, 50)))
        self.orders = max(60, round(ORDERS * scale))

    def customer(self, dice: Dice, number: int) -> Iterator[Sent]:
        first, last = dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)
        row = {
            "id": _uuid("customer", number), "email": f"{_ascii(first)}.{_ascii(last)}{number}@example.org",
            "name": f"{first} {last}", "status": "active", "channel": dice.pick(CHANNELS), **_place(dice),
            "created_date": f"{FIRST_DAY - timedelta(days=dice.below(900)):%Y-%m-%d}",
        }  # fmt: skip
        for day, moment, op in _life(dice, leaves=0.02):
            if op == "U":
                row |= dice.pick((
                    {"status": dice.pick(STATUSES)},
                    {"email": f"{_ascii(last)}{number}@{dice.pick(('example.net', 'mail.example.com'))}"},
                    {"name": f"{first} {dice.pick(LAST_NAMES)}"},
                    _place(dice),
                    {},
                ))  # fmt: skip
            yield Sent("customers", day, _stamped(dice, row, moment, op))

    def product(self, dice: Dice, number: int) -> Iterator[Sent]:
        row = {
            "sku": _sku(number), "name": f"{dice.pick(LOOKS)} {dice.pick(THINGS)}",
            "category": dice.pick(CATEGORIES), "price": _price(dice),
        }  # fmt: skip
        for day, moment, op in _life(dice, leaves=0.04):
            if op == "U":
                row["price"] = dice.pick((row["price"], _price(dice)))
            yield Sent("products", day, _stamped(dice, row, moment, op))
        yield from self._stock(dice, row["sku"])

    def _stock(self, dice: Dice, sku: str) -> Iterator[Sent]:
        """What is counted each evening."""
        on_hand = dice.below(200)
        for day in range(DAYS):
            on_hand = max(0, on_hand + dice.below(41) - 20) if dice.chance(0.7) else on_hand
            counted = FIRST_DAY + timedelta(days=day, hours=21, seconds=dice.below(7200))
            row = {"sku": sku, "on_hand": str(on_hand), "reserved": str(on_hand // 4)}
            yield Sent("stock", day, _stamped(dice, row, counted, "U"))

    def order(self, dice: Dice, number: int) -> Iterator[Sent]:
        day = dice.below(DAYS)
        moment = _moment(dice, day)
        # Some customers were never sent; nor were some orders, whose lines were.
        customer = self.customers + number if dice.chance(0.004) else dice.below(self.customers)
        row = {"id": _uuid("order", number), "customer_id": _uuid("customer", customer), "order_date": _text(moment)}
        total, lines = Decimal(0), []
        for line in range(1, 2 + dice.below(6)):
            price, quantity = _price(dice), 1 + dice.below(5)
            total += Decimal(price) * quantity
            tax = Decimal(price) * quantity * dice.pick((7, 19)) / 100
            lines.append({
                "order_id": row["id"], "line_number": str(line), "sku": _sku(dice.below(self.products)),
                "quantity": str(quantity), "unit_price": price, "discount": dice.pick(("", "", "0", "0.50")),
                "tax": f"{tax:.2f}",
            })  # fmt: skip
        for item in lines:
            yield Sent("order_items", day, _stamped(dice, item, moment, "I"))
            if dice.chance(0.02):
                later = moment + timedelta(minutes=1 + dice.below(50))
                corrected = {"quantity": str(1 + dice.below(9))}
                yield Sent("order_items", day, _stamped(dice, item | corrected, later, dice.pick("UUD")))
        if not dice.chance(0.005):
            yield from self._progress(dice, row | {"total": f"{total:.2f}"}, day, moment)

    def _progress(self, dice: Dice, row: Row, day: int, moment: datetime) -> Iterator[Sent]:
        path = (
            ("pending", "cancelled") if dice.chance(0.08) else ("pending", "paid", "shipped", "delivered", "returned")
        )
        for step, status in enumerate(path):
            yield Sent("orders", day, _stamped(dice, row | {"status": status}, moment, "U" if step else "I"))
            moment += timedelta(minutes=20 + dice.below(1200))
            day = (moment - FIRST_DAY).days
            if day >= DAYS or dice.chance(0.3):
                break
        else:
            if dice.chance(0.1):
                yield Sent("orders", day, _stamped(dice, row | {"status": path[-1]}, moment, "D"))


def _life(dice: Dice, leaves: float) -> Iterator[tuple[int, datetime, str]]:
    """(day, moment, op): a key comes, changes now and then, sometimes leaves, and of those some come back. Most are
    older than the first file, which has them as they have been since then."""
    old, present = dice.chance(0.9), True
    day = 0 if old else dice.below(DAYS)
    moment = _moment(dice, day)
    yield day, FIRST_DAY - timedelta(minutes=1 + dice.below(500_000)) if old else moment, "I"
    while True:
        moment += timedelta(minutes=5 + dice.below(7000))
        day = (moment - FIRST_DAY).days
        if day >= DAYS:
            return
        if not present:
            if dice.chance(0.7):
                return
            present = True
            yield day, moment, "I"
        elif dice.chance(leaves):
            present = False
            yield day, moment, "D"
        elif dice.chance(0.4):
            yield day, moment, "U"


def _stamped(dice: Dice, row: Row, moment: datetime, op: str) -> Row:
    """A row as it is sent; of some deleted ones nothing but the key."""
    if op == "D" and dice.chance(0.5):
        keys = ("id", "sku") if "order_id" not in row else ("order_id", "line_number")
        row = {name: value if name in keys else "" for name, value in row.items()}
    return row | {"updated_date": _text(moment, dice.pick(("", "", "", "T"))), "op": op}


def _header(feed: Feed, day: int) -> tuple[str, ...]:
    """A feed with a new column has it from the last day on."""
    return (*feed.header, feed.new_column) if feed.new_column and day == DAYS - 1 else feed.header


def _place(dice: Dice) -> Row:
    city, country = dice.pick(PLACES)
    return {"city": city, "country": country}


def _moment(dice: Dice, day: int) -> datetime:
    return FIRST_DAY + timedelta(days=day, seconds=dice.below(20 * 3600))


def _text(moment: datetime, form: str = "") -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if form else f"{moment:%Y-%m-%d %H:%M:%S}"


def _uuid(what: str, number: int) -> str:
    return str(UUID(bytes=hashlib.blake2b(f"{what} {number}".encode(), digest_size=16).digest()))


def _sku(number: int) -> str:
    return f"{ROADS[number % len(ROADS)]}-{1000 + number}"


def _price(dice: Dice) -> str:
    return f"{Decimal(99 + dice.below(9900)) / 100:.2f}"


def _ascii(name: str) -> str:
    return name.lower().translate(str.maketrans("áéíóúùüñöøç", "aeiouuunooc")).replace("'", "")
