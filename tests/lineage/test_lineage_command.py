"""manage.py lineage: what is known of the code, and where it disagrees."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("lineage", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_how_much_is_understood_and_that_all_agree() -> None:
    text = said()
    assert "routines and views, 0 read now" in text
    assert text.endswith("Declarations, code and runs agree.\n")


def test_it_names_what_is_not_understood() -> None:
    assert "dwh_etl.refresh_view: dynamic SQL: its text is made when it runs" in said("--gaps")


def test_a_table_is_shown_with_its_columns_and_its_code() -> None:
    text = said("gold.fact_sales")
    assert "line_total                   = silver.order_items.quantity" in text
    assert "which rows                   < silver.orders.status  (filter)" in text
    assert "dwh_etl.load_gold_fact_sales" in text


def test_json_says_the_same() -> None:
    found = json.loads(said("gold.fact_sales", "--json"))
    edge = next(edge for edge in found["columns"] if edge["column"] == "quantity")
    assert edge["source"] == "silver.order_items.quantity"
    assert edge["origins"] == ["declared", "parsed"]


def test_a_disagreement_is_said() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM dwh_lineage.target_inputs WHERE consumer = 'gold.fact_sales' AND source = 'silver.orders'"
        )
    assert "gold.fact_sales: the code reads silver.orders, which is no declared input" in said()


def test_a_table_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CommandError, match=r"There is no table gold\.nothing"):
        said("gold.nothing")
