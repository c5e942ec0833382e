"""Writes daily files of the shape and the dirt of the real ones, and beside them the truth that they hide.

Deterministic: the same scale gives the same bytes. At scale 1 about 40,000 lines in 20 days.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

HEADER = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
FIRST_DAY = datetime(2024, 1, 8)
DAYS = 20
INVOICES_A_DAY = 95
MOVERS = 60

_LOOKS = (
    "RED", "WHITE", "BLUE", "GREEN", "PINK", "VINTAGE", "RETRO", "WOODEN", "KNITTED", "GLASS", "METAL", "CERAMIC",
    "PAPER", "FELT", "SILVER", "STRIPED",
)  # fmt: skip
_THINGS = (
    "LANTERN", "MUG", "TEA TOWEL", "HOT WATER BOTTLE", "PICNIC BAG", "BUNTING", "CANDLE HOLDER", "ALARM CLOCK",
    "LUNCH BOX", "CAKE STAND", "DOORMAT", "CUSHION", "PHOTO FRAME", "HEART DECORATION", "STORAGE JAR", "GIFT WRAP",
    "NAPKINS", "KEY RING", "UMBRELLA", "SPICE TIN",
)  # fmt: skip
_COUNTRIES = (("United Kingdom", 90), ("Germany", 4), ("France", 3), ("EIRE", 1), ("Spain", 1), ("Australia", 1))


@dataclass
class Truth:
    """What a warehouse must say of the files."""

    files: int = 0
    bronze_rows: int = 0
    unreadable_lines: int = 0
    silver_lines: int = 0
    exceptions: int = 0
    customer_exceptions: int = 0
    breaches: Counter[str] = field(default_factory=Counter)
    revenue: Decimal = Decimal(0)
    customers: int = 0
    customer_versions: int = 0
    revenue_by_day: dict[str, Decimal] = field(default_factory=dict)

    def as_json(self) -> str:
        """The truth as a JSON object; amounts as text, exact."""
        return json.dumps(vars(self), indent=2, sort_keys=True, default=str) + "\n"


@dataclass(frozen=True)
class Line:
    """One invoice line as the file has it."""

    invoice: str
    stock_code: str
    description: str
    quantity: str
    date: str
    price: str
    customer: str
    country: str

    def cells(self) -> tuple[str, ...]:
        return tuple(vars(self).values())


def write(folder: Path, scale: float = 1.0) -> Truth:
    """Writes one file a day and `truth.json` into `folder`, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(20240108)  # noqa: S311 - the same files each time is the point
    shop = _Shop(rng, scale)
    truth = Truth()
    moments: dict[int, dict[str, str]] = {}
    for day in range(DAYS):
        lines = list(shop.day(FIRST_DAY + timedelta(days=day)))
        ragged = 2 if day == DAYS // 2 else 0
        _write_day(folder / f"{FIRST_DAY + timedelta(days=day):%Y-%m-%d}.csv", lines, ragged)
        truth.files += 1
        truth.unreadable_lines += ragged
        for line in lines:
            _count(truth, line, moments)
    _count_customers(truth, moments)
    (folder / "truth.json").write_text(truth.as_json(), encoding="utf-8")
    return truth


class _Shop:
    """The shop: its articles, its customers, and what happens on a day."""

    def __init__(self, rng: random.Random, scale: float) -> None:
        self.rng, self.invoices = rng, max(1, round(INVOICES_A_DAY * scale))
        self.invoice_no = 536_000
        self.articles = [self._article(number) for number in range(400)]
        names, weights = zip(*_COUNTRIES, strict=True)
        count = max(10, round(700 * min(scale, 20)))
        self.home = {12_300 + 7 * n: rng.choices(names, weights)[0] for n in range(count)}
        self.movers = list(self.home)[:MOVERS]

    def _article(self, number: int) -> tuple[str, str, Decimal]:
        name = f"{self.rng.choice(_LOOKS)} {self.rng.choice(_THINGS)}"
        code = f"{20_000 + number * 13}{self.rng.choice(('', '', '', 'A', 'B'))}"
        return code, name, Decimal(self.rng.randrange(29, 1500)) / 100

    def day(self, day: datetime) -> Iterator[Line]:
        minute = day + timedelta(hours=8)
        for _ in range(self.invoices):
            minute += timedelta(seconds=self.rng.randrange(20, 2 * 36_000 // (self.invoices + 1) + 21))
            yield from self._invoice(minute.replace(second=0))

    def _invoice(self, moment: datetime) -> Iterator[Line]:
        self.invoice_no += self.rng.randrange(1, 4)
        anonymous, cancelled = self.rng.random() < 0.12, self.rng.random() < 0.06
        customer = self.rng.choice(list(self.home)) if not anonymous else None
        if customer in self.movers and moment > FIRST_DAY + timedelta(days=DAYS // 2):
            self.home[customer] = "Channel Islands"
        country = self.home[customer] if customer else self.rng.choice(_COUNTRIES)[0]
        size = self.rng.randrange(40, 90) if anonymous else self.rng.randrange(1, 4 if cancelled else 32)
        for _ in range(size):
            line = self._line(moment, customer, country, cancelled)
            yield line
            if self.rng.random() < 0.01:
                yield line  # sold twice, and written twice

    def _line(self, moment: datetime, customer: int | None, country: str, cancelled: bool) -> Line:
        rng = self.rng
        code, name, price = rng.choice(self.articles)
        quantity = rng.choice((1, 1, 2, 2, 3, 4, 6, 6, 8, 12, 24))
        date = f"{moment:%Y-%m-%d %H:%M:%S}"
        if rng.random() < 0.004:
            quantity, price = -quantity, Decimal(0)  # lost, broken or thrown away
        elif rng.random() < 0.002:
            price = Decimal(0)  # a present
        if rng.random() < 0.0001:
            date = f"{moment:%d.%m.%Y %H:%M}"
        return Line(
            invoice=("C" if cancelled else "") + str(self.invoice_no),
            stock_code=code.lower() if rng.random() < 0.01 else code,
            description="" if rng.random() < 0.003 else name + (" " if rng.random() < 0.05 else ""),
            quantity=str(-abs(quantity) if cancelled else quantity),
            date=date,
            price=f"{price:.2f}".rstrip("0").rstrip("."),
            customer="" if customer is None else f"{customer}.0",
            country=country,
        )


def _write_day(path: Path, lines: list[Line], ragged: int) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for number, line in enumerate(lines):
        if number in (7, 11)[:ragged]:
            buffer.write("536999,REPRINTED BY THE TILL\n")
        writer.writerow(line.cells())
    path.write_text(buffer.getvalue(), encoding="utf-8")


def _count(truth: Truth, line: Line, moments: dict[int, dict[str, str]]) -> None:
    """Adds a line to the truth, by rules written a second time: they must not share the warehouse's mistakes."""
    truth.bronze_rows += 1
    quantity, price = int(line.quantity), Decimal(line.price)
    dated = line.date[4] == "-"
    broken = {
        "customer": not line.customer,
        "quantity": quantity <= 0,
        "cancellation": line.invoice.startswith("C"),
        "price": price <= 0,
        "date": not dated,
    }
    truth.breaches.update(name for name, is_broken in broken.items() if is_broken)
    if any(broken.values()):
        truth.exceptions += 1
    else:
        truth.silver_lines += 1
        truth.revenue += quantity * price
        day = line.date[:10]
        truth.revenue_by_day[day] = truth.revenue_by_day.get(day, Decimal(0)) + quantity * price
    if line.customer and not dated:
        truth.customer_exceptions += 1
    if line.customer and dated:
        # The last line of a customer's moment counts; files are read in the order of their names.
        moments.setdefault(int(line.customer.removesuffix(".0")), {})[line.date] = line.country


def _count_customers(truth: Truth, moments: dict[int, dict[str, str]]) -> None:
    truth.customers = len(moments)
    for history in moments.values():
        countries = [history[moment] for moment in sorted(history)]
        truth.customer_versions += 1 + sum(a != b for a, b in itertools.pairwise(countries))
