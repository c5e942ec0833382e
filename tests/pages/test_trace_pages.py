"""The pages of a row and of a number: where they come from, what became of them, what adds up to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from tests import seeds

pytestmark = pytest.mark.django_db

DAY = json.dumps({"day": "2026-01-05", "country": "Norway"})


@pytest.fixture
def sales(db: None) -> int:
    return seeds.seed_sales()


def address(page: str, table: str, key: object) -> str:
    return f"/admin/{page}?{urlencode({'table': table, 'key': key})}"


def test_a_number_leads_to_its_lines_and_they_to_the_file(staff: Client, sales: int) -> None:
    page = staff.get(address("trace/", "gold.retail_daily_revenue", DAY))
    assert page.status_code == 200
    text = page.content.decode()
    assert "till/lines_05.csv, record 1" in text
    assert "till/lines_05.csv, record 2" in text
    assert "Explain its numbers" in text
    assert [level["table"] for level in page.context["levels"]] == ["silver.invoice_lines", "bronze.raw_invoice_lines"]


def test_a_bronze_row_is_shown_as_it_arrived_with_what_became_of_it(staff: Client, sales: int) -> None:
    text = staff.get(address("trace/", "bronze.raw_invoice_lines", sales)).content.decode()
    assert "The row as it arrived" in text
    assert "3.50" in text
    assert "gold.retail_daily_revenue" in text
    broken = staff.get(address("trace/", "bronze.raw_invoice_lines", sales + 2)).content.decode()
    assert "quarantined" in broken
    assert "Quantity is no number" in broken


def test_a_number_is_explained_by_rows_that_add_up_to_it(staff: Client, sales: int) -> None:
    page = staff.get(address("explain/", "gold.retail_daily_revenue", DAY))
    assert page.context["found"].agrees
    assert "2 rows add up to this row" in page.content.decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gold.retail_daily_revenue SET revenue = 12")
    assert "do not add up" in staff.get(address("explain/", "gold.retail_daily_revenue", DAY)).content.decode()


def test_json_says_the_same(staff: Client, sales: int) -> None:
    traced = staff.get(address("trace.json", "gold.retail_daily_revenue", DAY)).json()
    assert [row["table"] for row in traced["from"]].count("bronze.raw_invoice_lines") == 2
    explained = staff.get(address("explain.json", "gold.retail_daily_revenue", DAY)).json()
    assert explained["agrees"] is True
    assert explained["rows"] == 2


@pytest.mark.parametrize("page", ["trace", "explain"])
def test_a_row_that_is_not_there_is_said_kindly(staff: Client, page: str) -> None:
    found = staff.get(address(f"{page}/", "gold.retail_daily_revenue", '{"day": "1999-01-01"}'))
    assert found.status_code == 404
    assert "There is no row of gold.retail_daily_revenue" in found.content.decode()
    nowhere = staff.get(address(f"{page}.json", "gold.<b>", "1"))
    assert nowhere.status_code == 404
    assert "is not installed" in nowhere.json()["error"]
    assert staff.get(f"/admin/{page}/").status_code == 200


@pytest.mark.parametrize("page", ["trace/", "trace.json", "explain/", "explain.json"])
def test_who_may_not_see_tables_may_not_trace_rows(person: Callable[..., Client], page: str, sales: int) -> None:
    assert person("view_pipelinerun").get(address(page, "gold.retail_daily_revenue", DAY)).status_code == 403


def test_sample_rows_and_exceptions_lead_to_their_traces(staff: Client, sales: int) -> None:
    text = staff.get("/admin/tables/gold.retail_daily_revenue/").content.decode()
    assert "/admin/trace/?table=gold.retail_daily_revenue&amp;key=%7B%22day%22" in text
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM dwh_lineage.quality_exceptions")
        (number,) = cursor.fetchone()
    text = staff.get(f"/admin/exceptions/rows/{number}/").content.decode()
    assert f"/admin/trace/?table=bronze.raw_invoice_lines&amp;key={sales + 2}" in text
