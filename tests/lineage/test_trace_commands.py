"""manage.py trace and explain: the same answers as the pages, in the terminal."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests import seeds

pytestmark = pytest.mark.django_db

NORWAY = ("gold.retail_daily_revenue", "day=2026-01-05", "country=Norway")


@pytest.fixture
def sales(db: None) -> int:
    return seeds.seed_sales()


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("sales")
def test_a_row_is_traced_to_file_and_record_number() -> None:
    lines = said("trace", *NORWAY).splitlines()
    assert lines[0].startswith("gold.retail_daily_revenue  day=2026-01-05, country=Norway")
    assert sum("till/lines_05.csv, record 1" in line for line in lines) == 1
    assert sum("till/lines_05.csv, record 2" in line for line in lines) == 1


def test_a_bronze_row_is_followed_forward(sales: int) -> None:
    text = said("trace", "bronze.raw_invoice_lines", str(sales), "--forward")
    assert "silver.invoice_lines  _source_bronze_id=" in text
    assert "(current)" in text
    assert "gold.retail_daily_revenue  day=2026-01-05, country=Norway" in text
    assert "silver.invoice_lines  nothing  (quarantined)" in said(
        "trace", "bronze.raw_invoice_lines", str(sales + 2), "--forward"
    )


@pytest.mark.usefixtures("sales")
def test_a_number_is_explained_down_to_the_lines() -> None:
    text = said("explain", *NORWAY, "--lines")
    assert "made of 2 rows" in text
    assert "revenue 11.00 = sum(l.quantity * l.unit_price)" in text
    assert "l.quantity * l.unit_price = 7.00" in text
    assert "bronze.raw_invoice_lines  till/lines_05.csv, record 2" in text
    assert "… and 1 more; --most shows them" in said("explain", *NORWAY, "--most", "1")


@pytest.mark.usefixtures("sales")
def test_json_says_the_same() -> None:
    assert json.loads(said("explain", *NORWAY, "--json"))["agrees"] is True
    assert len(json.loads(said("trace", *NORWAY, "--json"))) == 5


@pytest.mark.usefixtures("sales")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trace", "gold.nothing", "1"), "The table gold.nothing is not installed"),
        (("trace", "gold.retail_daily_revenue", "1"), "is named by day, country"),
        (("explain", "gold.retail_daily_revenue", "day=1999-01-01"), "There is no row"),
        (("trace", "gold.retail_daily_revenue", "day=2026-01-05", "Norway"), "Give one value, or COLUMN=VALUE"),
    ],
)
def test_what_cannot_be_found_is_said(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        said(*arguments)


def test_what_no_aggregation_made_cannot_be_explained(sales: int) -> None:
    with pytest.raises(CommandError, match="It is made by no query"):
        said("explain", "silver.invoice_lines", str(sales))
