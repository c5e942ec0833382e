"""What the generator picks from: names, and for each feed its columns and what goes wrong in it."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_NAMES = ("Ada", "Ben", "Chloé", "Dmitri", "Eve", "Farid", "Grace", "Hùng", "Inés", "José", "Kim", "Lena", "Márta")
LAST_NAMES = ("Brown", "Cole", "Diaz", "Evans", "Fischer", "Gómez", "Hall", "Ito", "Jørgensen", "Khan", "Li", "O'Neill")
LOOKS = ("Red", "Blue", "Wooden", "Glass", "Small", "Folding", 'Nine "inch"', "Soft, warm")
THINGS = ("chair", "lamp", "notebook", "kettle", "record", "spade", "puzzle", "vase", "atlas", "drum")
CATEGORIES = ("books", "garden", "kitchen", "music", "toys")
STATUSES = ("active", "inactive", "suspended")
ROADS = ("ABC", "KLM", "XYZ")
CHANNELS = ("web", "app", "store", "partner")
PLACES = (
    ("Berlin", "DE"), ("Köln", "DE"), ("Wien", "AT"), ("Zürich", "CH"), ("Paris", "FR"), ("Lyon", "FR"),
    ("Madrid", "ES"), ("London", "GB"), ("Leeds", "GB"), ("Austin", "US"), ("Boston", "US"),
)  # fmt: skip

Dirt = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Feed:
    """A feed. `dirt`: (kind, column, what stands there instead). `noisy`: columns that spaces and capitals do no harm.
    `contradicted`: the column in which a second row of the same key and moment differs."""

    folder: str
    header: tuple[str, ...]
    dirt: tuple[Dirt, ...]
    noisy: tuple[str, ...]
    contradicted: str
    contradictions: tuple[str, ...]
    new_column: str = ""
    new_values: tuple[str, ...] = ("",)
    cut_off_on: int | None = None
    dirt_rate: float = 0.02


_BAD_TIME: Dirt = ("bad time", "updated_date", ("03/02/2026 10:15", "2026-02-30 08:00:00", "yesterday", ""))
_BAD_SKU: Dirt = ("bad product number", "sku", ("?", "abc", "12-ABC", ""))

FEEDS = {
    "customers": Feed(
        "crm",
        ("id", "email", "name", "status", "channel", "city", "country", "created_date", "updated_date", "op"),
        (
            (
                "bad e-mail",
                "email",
                ("nobody", "nobody@", "@example.org", "no body@example.org", "a@b@example.org", ""),
            ),
            ("bad uuid", "id", ("4711", "not-a-uuid", "00000000-0000-0000-0000-00000000000g", "")),
            ("unknown status", "status", ("vip", "activ", "?", "")),
            ("blank name", "name", (" ", "", "X", " Y ")),
            ("unknown country", "country", ("Germany", "XX", "")),
            ("bad date", "created_date", ("2026-02-30", "01.02.2025", "soon", "")),
            _BAD_TIME,
        ),
        ("id", "email", "status", "channel", "country"),
        "status",
        STATUSES,
        cut_off_on=1,
    ),
    "products": Feed(
        "catalogue",
        ("sku", "name", "category", "price", "updated_date", "op"),
        (
            _BAD_SKU,
            ("blank name", "name", (" ", "")),
            ("unknown category", "category", ("misc", "", "books & music")),
            ("bad price", "price", ("0", "-1.50", "12,50", "12.505", "NaN", "free", "")),
            _BAD_TIME,
        ),
        ("sku", "category"),
        "price",
        ("1.99", "2.99", "12.5", "12.50"),
        dirt_rate=0.08,
        new_column="colour",
        new_values=("red", "blue", ""),
    ),
    "orders": Feed(
        "shop",
        ("id", "customer_id", "order_date", "status", "total", "updated_date", "op"),
        (
            ("bad uuid", "id", ("4712", "not-a-uuid", "")),
            ("bad uuid", "customer_id", ("guest", "0", "")),
            ("bad date", "order_date", ("2026-13-01", "today", "")),
            ("unknown status", "status", ("done", "open", "")),
            ("negative total", "total", ("-1", "-0.01", "n/a", "")),
            _BAD_TIME,
        ),
        ("id", "status"),
        "status",
        ("paid", "cancelled"),
    ),
    "order_items": Feed(
        "shop",
        ("order_id", "line_number", "sku", "quantity", "unit_price", "discount", "tax", "updated_date", "op"),
        (
            ("bad uuid", "order_id", ("4713", "")),
            ("bad line number", "line_number", ("0", "-1", "one", "1.0", "40000", "")),
            _BAD_SKU,
            ("negative quantity", "quantity", ("-3", "-1", "0")),
            ("bad quantity", "quantity", ("1.5", "two", "99999999999", "")),
            ("bad price", "unit_price", ("-2.50", "9,99", "9.999", "")),
            ("bad discount", "discount", ("-1", "10%")),
            ("bad tax", "tax", ("-0.19", "19 %")),
            _BAD_TIME,
        ),
        ("order_id", "sku"),
        "quantity",
        ("1", "2", "7"),
    ),
    "stock": Feed(
        "stock",
        ("sku", "on_hand", "reserved", "updated_date", "op"),
        (
            _BAD_SKU,
            ("negative stock", "on_hand", ("-4", "-1")),
            ("bad quantity", "reserved", ("some", "1.5", "")),
            _BAD_TIME,
        ),
        ("sku",),
        "on_hand",
        ("0", "5", "12"),
    ),
}
