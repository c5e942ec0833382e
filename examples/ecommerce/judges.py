"""The rules of the four tables a second time, in plain Python: what `warehouse.py` declares must agree with this."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import total_ordering
from pathlib import Path
from uuid import UUID

Row = dict[str, str]
#: The value as silver writes it, and the names of the rules that it breaks.
Found = tuple[str, list[str]]

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)Z?")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")
_CENTS = Decimal("0.01")


@total_ordering
@dataclass(frozen=True)
class Event:
    """A row that breaks no rule: what it says of its key since `moment`, or that the key is gone."""

    key: tuple[str, ...]
    moment: str
    deleted: bool
    values: tuple[str, ...]
    file: str = ""
    record: int = 0

    def __lt__(self, other: Event) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[tuple[str, ...], str, str, int]:
        return self.key, self.moment, self.file, self.record

    def as_cells(self, file: str, record: int) -> list[str]:
        return [*self.key, self.moment, file, str(record), "D" if self.deleted else "", *self.values]

    @classmethod
    def from_cells(cls, cells: list[str], width: int) -> Event:
        key, (moment, file, record, deleted), values = cells[:width], cells[width : width + 4], cells[width + 4 :]
        return cls(tuple(key), moment, bool(deleted), tuple(values), file, int(record))


@dataclass(frozen=True)
class Judge:
    """One table: `columns` are (silver's name, the file's name, what reads it), the key's before the others."""

    table: str
    feed: str
    folder: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str, Callable[[str], Found]], ...]
    numbers: tuple[str, ...] = ()
    refers_to: str = ""
    #: The column that refers; None where the first column of the key does.
    refers_by: str | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that have a history."""
        return tuple(name for name, _, _ in self.columns if name not in self.key)

    def files(self, folder: Path) -> list[Path]:
        """The feed's files, in the order of their names: of two rows of one moment that of the later file counts."""
        return sorted((folder / self.folder).glob(f"{self.feed}_*.csv"))

    def judge(self, row: Row) -> tuple[Event | None, list[str]]:
        """The row's event, or None and the rules that it breaks. A row that deletes needs its key and time only."""
        deleted = row["op"] == "D"
        broken: list[str] = []
        said: dict[str, str] = {}
        for name, source, read in (*self.columns, ("updated_at", "updated_date", _moment)):
            said[name], rules = read(row[source])
            vital = name in (*self.key, "updated_at")
            broken += [f"{name}:{rule}" for rule in rules if not deleted or (vital and rule in _BINDING)]
        if broken:
            return None, broken
        key, values = (tuple(said[name] for name in names) for names in (self.key, self.values))
        return Event(key, said["updated_at"], deleted, values), []

    def same(self, values: tuple[str, ...]) -> tuple[object, ...]:
        """Values as they are compared: 12.5 and 12.50 are one number."""
        pairs = zip(self.values, values, strict=True)
        return tuple(Decimal(value) if name in self.numbers else value for name, value in pairs)

    def reference(self, key: tuple[str, ...], values: tuple[str, ...]) -> str:
        """The key of another table that a version refers to."""
        return key[0] if self.refers_by is None else values[self.values.index(self.refers_by)]


_BINDING = ("castable", "required")


def _uuid(cell: str) -> Found:
    text = cell.strip(" ")
    if not text:
        return "", ["required"]
    try:
        return str(UUID(text)), []
    except ValueError:
        return "", ["castable"]


def _moment(cell: str) -> Found:
    if not cell:
        return "", ["required"]
    match = _MOMENT.fullmatch(cell)
    try:
        return (f"{datetime.fromisoformat(' '.join(match.groups()))}+00:00", []) if match else ("", ["castable"])
    except ValueError:
        return "", ["castable"]


def _day(cell: str) -> Found:
    try:
        return (date.fromisoformat(cell).isoformat(), []) if cell else ("", ["required"])
    except ValueError:
        return "", ["castable"]


def _email(cell: str) -> Found:
    text = cell.strip(" ").lower()
    name, _, domain = text.partition("@")
    good = name and "@" not in domain and " " not in text and "." in domain[1:-1]
    return text, [] if good else ["matches"] if text else ["required"]


def _domain(cell: str) -> Found:
    return cell.strip(" ").lower().partition("@")[2], []


def _long(cell: str) -> Found:
    text = cell.strip(" ")
    return text, [] if len(text) > 1 else ["min_length"]


def _one_of(*values: str) -> Callable[[str], Found]:
    def read(cell: str) -> Found:
        text = cell.strip(" ").lower()
        return text, [] if text in values else ["one_of"]

    return read


def _country(cell: str) -> Found:
    text = cell.strip(" ").upper()
    return text, [] if text in ("AT", "CH", "DE", "ES", "FR", "GB", "US") else ["one_of"]


def _sku(cell: str) -> Found:
    text = cell.strip(" ").upper()
    letters, _, digits = text.partition("-")
    good = len(letters) == 3 and letters.isalpha() and len(digits) >= 4 and digits.isdigit()
    return text, [] if good else ["matches"] if text else ["required"]


def _number(rule: str, holds: Callable[[Decimal], bool], empty: str = "") -> Callable[[str], Found]:
    def read(cell: str) -> Found:
        text = cell or empty
        if text and (not _NUMBER.fullmatch(text) or Decimal(text) % _CENTS):
            return text, ["castable"]
        return text, [] if text and holds(Decimal(text)) else [rule]

    return read


def _whole(rule: str, least: int, missing: str, bits: int) -> Callable[[str], Found]:
    def read(cell: str) -> Found:
        if not cell:
            return cell, [missing]
        if not re.fullmatch(r"[-+]?\d+", cell) or not -(2 ** (bits - 1)) <= int(cell) < 2 ** (bits - 1):
            return cell, ["castable"]
        return cell, [] if int(cell) >= least else [rule]

    return read


_not_negative = _number("at_least", lambda number: number >= 0)

JUDGES = (
    Judge(
        "customers", "customers", "crm", ("customer_id",),
        (
            ("customer_id", "id", _uuid), ("email", "email", _email), ("email_domain", "email", _domain),
            ("name", "name", _long), ("status", "status", _one_of("active", "inactive", "suspended")),
            ("channel", "channel", _one_of("web", "app", "store", "partner")), ("city", "city", _long),
            ("country", "country", _country),
            ("created_on", "created_date", _day),
        ),
    ),
    Judge(
        "products", "products", "catalogue", ("product_id",),
        (
            ("product_id", "sku", _sku), ("name", "name", _long),
            ("category", "category", _one_of("books", "garden", "kitchen", "music", "toys")),
            ("price", "price", _number("greater_than", lambda number: number > 0)),
        ),
        numbers=("price",),
    ),
    Judge(
        "orders", "orders", "shop", ("order_id",),
        (
            ("order_id", "id", _uuid), ("customer_id", "customer_id", _uuid), ("ordered_at", "order_date", _moment),
            ("status", "status", _one_of("pending", "paid", "shipped", "delivered", "cancelled", "returned")),
            ("total", "total", _not_negative),
        ),
        numbers=("total",), refers_to="customers", refers_by="customer_id",
    ),
    Judge(
        "order_items", "order_items", "shop", ("order_id", "order_line_number"),
        (
            ("order_id", "order_id", _uuid),
            ("order_line_number", "line_number", _whole("at_least", 1, "required", 16)),
            ("product_id", "sku", _sku), ("quantity", "quantity", _whole("greater_than", 1, "greater_than", 32)),
            ("unit_price", "unit_price", _not_negative),
            ("discount", "discount", _number("at_least", lambda number: number >= 0, empty="0")),
            ("tax", "tax", _number("at_least", lambda number: number >= 0, empty="0")),
        ),
        numbers=("unit_price", "discount", "tax"), refers_to="orders",
    ),
    Judge(
        "stock", "stock", "stock", ("product_id",),
        (
            ("product_id", "sku", _sku), ("on_hand", "on_hand", _whole("at_least", 0, "at_least", 32)),
            ("reserved", "reserved", _whole("at_least", 0, "at_least", 32)),
        ),
    ),
)  # fmt: skip
