"""The ecommerce example's own tests, as a user writes them: what must become of a few rows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ecommerce.warehouse import Customers, DimProduct, Products, RawCustomers, RawProducts
from medallion.testing import Trial

ADA = {
    "id": "6f1c2b9e-0000-4000-8000-000000000001", "email": " Ada@Example.org ", "name": "Ada Brown", "status": "Active",
    "channel": "web", "city": "Leeds", "country": "gb", "created_date": "2024-01-01", "updated_date": "2024-01-01",
    "op": "I",
}  # fmt: skip


def test_addresses_are_written_small_and_a_move_begins_a_new_period(trial: Trial) -> None:
    trial.given(RawCustomers, [ADA])
    trial.given(RawCustomers, [ADA | {"city": "York", "updated_date": "2024-02-01", "op": "U"}])
    trial.expect(
        Customers,
        """
        email           | city  | valid_from | valid_to   | is_current
        ada@example.org | Leeds | 2024-01-01 | 2024-02-01 | false
        ada@example.org | York  | 2024-02-01 |            | true
        """,
    )


def test_a_customer_without_an_address_is_set_aside(trial: Trial) -> None:
    trial.given(RawCustomers, [ADA | {"email": None, "name": "A"}])
    trial.expect(Customers, [])
    reasons = ["The e-mail is missing", "The name has fewer than two characters"]
    trial.expect_exceptions(Customers, [{"name": "A", "issues": reasons}])


def test_a_deleted_product_has_no_current_member(trial: Trial) -> None:
    trial.given(
        RawProducts,
        """
        sku      | name | category | price | updated_date | op
        toy-0001 | Ball | toys     | 1.5   | 2024-01-01   | I
        toy-0001 |      |          |       | 2024-03-01   | D
        toy-0002 | Kite | toys     | 0     | 2024-01-01   | I
        """,
    )
    trial.expect(DimProduct, [{"product_id": "TOY-0001", "product_name": "Ball", "is_current": False}])
    trial.expect_exceptions(Products, [{"sku": "toy-0002", "issues": "price is not greater than 0"}])


def test_what_is_not_as_expected_is_shown_beside_what_should_be(trial: Trial) -> None:
    trial.given(RawProducts, [
        {"sku": "TOY-0001", "name": "Ball", "category": "toys", "price": "1.5", "updated_date": "2024-01-01"},
        {"sku": "TOY-0002", "name": "Kite", "category": "toys", "price": "none", "updated_date": "2024-01-01"},
    ])  # fmt: skip
    expected: list[dict[str, Any]] = [
        {"product_id": "TOY-0001", "price": 1.75}, {"product_id": "TOY-0002", "price": 2},
    ]  # fmt: skip
    with pytest.raises(AssertionError) as failed:
        trial.expect(Products, expected)
    said = re.sub(r"  ! .*", "  ! …", str(failed.value))
    assert said == (
        "silver.products: 2 missing (-), 1 not expected (+), set aside (!):\n"
        "    product_id | price\n"
        "  + TOY-0001   | 1.50\n"
        "  - TOY-0001   | 1.75\n"
        "  - TOY-0002   | 2.00\n"
        "  ! …"
    )
    with pytest.raises(ValueError, match=r"no column colour\. It has: product_sk"):
        trial.expect(Products, "colour\nred")
    with pytest.raises(ValueError, match=r"no column colour\. It has: sku"):
        trial.given(RawProducts, "colour\nred")
    with pytest.raises(ValueError, match="2 cells; the first has 1"):
        trial.given(RawProducts, "sku\n1 | 2")
