"""Real JSON, taken in by declarations alone and compared with what Python reads of it."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.real.conftest import DATA, Take, need

pytestmark = pytest.mark.django_db


def read(path: str) -> Any:
    return json.loads((DATA / path).read_text(encoding="utf-8"), parse_float=Decimal)


def test_dummyjson(take: Take) -> None:
    need("dummyjson")
    taken = take("dummyjson")
    carts, users, products = (read(f"dummyjson/{name}.json") for name in ("carts", "users", "products"))
    assert (taken.failed, taken.gaps()) == ([], {})
    assert [cart for (cart,) in taken.rows("bronze.raw_carts", ["_raw_payload"])] == read_plainly(
        "dummyjson/carts.json"
    )

    ordered = [(cart["id"], *(line[k] for k in ("id", "quantity", "price", "total")))
               for cart in carts for line in cart["products"]]  # fmt: skip
    found = taken.rows("silver.json_cart_products", ["cart_id", "product_id", "quantity", "price", "total"])
    assert Counter(found) == Counter(ordered)

    assert taken.count("silver.json_reviews") == sum(len(product["reviews"]) for product in products)
    cities = {user["id"]: user["address"]["city"] for user in users}
    assert dict(taken.rows("silver.json_users", ["user_id", "city"])) == cities
    assert taken.broken("silver.json_users") == {}


def read_plainly(path: str) -> Any:
    """As psycopg reads jsonb."""
    return json.loads((DATA / path).read_text(encoding="utf-8"))
