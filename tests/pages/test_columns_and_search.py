"""The page of one column, what would change if it did, the search, and what people without a permission do not see."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from lineage.models import ColumnLineage, TableDependency, Target
from lineage.personal import MASK, personal_columns
from lineage.searching import search
from tests import seeds

pytestmark = pytest.mark.django_db


def mark(target: str, **personal: bool) -> None:
    """As if its declaration said so of columns."""
    row = Target.objects.get(target=target)
    about = row.contract.get("about", {})
    row.contract = {**row.contract, "about": {**about, "pii": {**about.get("pii", {}), **personal}}}
    row.save(update_fields=["contract"])


def test_a_columns_page_shows_its_way_from_the_source_and_what_is_made_of_it(staff: Client) -> None:
    response = staff.get("/admin/columns/?table=silver.order_items&column=quantity")
    reached = {one.place: one for one in (*response.context["upstream"], *response.context["downstream"])}
    assert reached["bronze.raw_order_items", "quantity"].step == 1
    assert (
        reached["gold.fact_sales", "line_total"].by.expression == "quantity * unit_price - discount_amount + tax_amount"
    )
    assert reached["gold.agg_daily_sales", "net_revenue"].step == 2
    page = response.content.decode()
    assert 'aria-label="gold.fact_sales, column line_total"' in page
    assert 'class="expression"' in page
    assert ("silver.order_items", "tax") not in reached


def test_a_column_that_decides_on_rows_reaches_all_that_is_made_of_them(staff: Client) -> None:
    response = staff.get("/admin/columns/?table=silver.orders&column=status")
    rows = {one.place[0] for one in response.context["downstream"] if one.place[1] == "*"}
    assert {"gold.fact_sales", "gold.agg_daily_sales"} <= rows


def test_a_column_that_nobody_knows_is_not_found_and_said_so(staff: Client) -> None:
    for query in ("", "?table=silver.orders&column=colour", "?table=%00&column=%00", "?table=a&column=<script>"):
        response = staff.get(f"/admin/columns/{query}")
        assert response.status_code == 404
        assert "There is no such column" in response.content.decode()
    assert staff.get("/admin/columns/?table=silver.orders&column=total").status_code == 200  # nothing is made of it


def test_a_cycle_of_columns_ends(staff: Client) -> None:
    for a, b in (("x", "y"), ("y", "z"), ("z", "x"), ("x", "x")):
        ColumnLineage.objects.create(source_table="silver.r", source_column=a, target_table="silver.r", target_column=b)
    response = staff.get("/admin/columns/?table=silver.r&column=x")
    assert [one.place[1] for one in response.context["downstream"]] == ["y", "z"]
    assert [one.place[1] for one in response.context["upstream"]] == ["z", "y"]


def test_the_impact_of_a_column_is_a_file_and_a_command(staff: Client) -> None:
    response = staff.get("/admin/impact.csv?table=silver.orders&column=status")
    header, *rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert header == ["step", "table", "column", "how", "through", "expression"]
    assert ["gold.fact_sales", "which rows"] in [row[1:3] for row in rows]
    out = io.StringIO()
    call_command("impact", "silver.orders", "status", "--csv", stdout=out)
    assert [row[:5] for row in csv.reader(io.StringIO(out.getvalue()))][1:] == [row[:5] for row in rows]
    out = io.StringIO()
    call_command("impact", "silver.order_items", "quantity", stdout=out)
    assert "gold.fact_sales.line_total  (value of silver.order_items.quantity)" in out.getvalue()
    with pytest.raises(CommandError, match=r"There is no table silver\.none"):
        call_command("impact", "silver.none", "x")


@pytest.mark.parametrize(
    ("text", "table", "column"),
    [
        ("customers", "silver.customers", ""),
        ("silver.customers", "silver.customers", ""),
        ("crm_cust", "crm_customers", ""),
        ("each customer and period", "silver.customers", ""),
        ("EMAIL", "silver.customers", "email"),
        ("silver.customers.email", "silver.customers", "email"),
        ("dim_customer last_name", "gold.dim_customer", "last_name"),
        ("%", "", ""),
        ("e_m", "", ""),
        ("\0 ;;", "", ""),
    ],
)
def test_a_search_finds_tables_columns_and_docs(text: str, table: str, column: str) -> None:
    found = search(text, None)
    if not table:
        assert not found.total
    elif column:
        assert (table, column) in [(hit.table, hit.column) for hit in found.columns[:3]]
    else:
        assert table in [hit.table for hit in found.tables[:2]]


def test_owners_tags_and_docs_of_columns_are_found_too(staff: Client) -> None:
    row = Target.objects.get(target="silver.stock")
    columns = [{**column, "doc": "What lies in the Halle"} for column in row.contract["columns"]]
    row.contract = {**row.contract, "columns": columns, "about": {"owner": "storehouse@shop.test", "tags": ["nightly"]}}
    row.save(update_fields=["contract"])
    for text in ("storehouse@", "nightly", "HALLE"):
        assert "silver.stock" in staff.get("/admin/search/", {"q": text}).content.decode()
    page = staff.get("/admin/tables/silver.stock/").content.decode()
    for said in ("storehouse@shop.test", "nightly", "What lies in the Halle"):
        assert said in page


def test_the_search_is_on_every_page_and_offers_names(staff: Client, person: Callable[..., Client]) -> None:
    page = staff.get("/admin/runs/").content.decode()
    assert 'action="/admin/search/"' in page
    assert "silver.customers" in staff.get("/admin/search.json?q=customers").json()["tables"]
    assert staff.get("/admin/search/").status_code == 200
    assert "Nothing holds all of these words" in staff.get("/admin/search/?q=<b>").content.decode()
    near = staff.get("/admin/lineage/?table=customers")
    assert near.status_code == 404
    assert "?table=silver.customers" in near.content.decode()
    other = person("view_pipelinerun")
    assert 'action="/admin/search/"' not in other.get("/admin/runs/").content.decode()
    assert other.get("/admin/search.json?q=a").status_code == 403


@pytest.mark.slow
def test_a_search_among_twenty_thousand_tables_is_two_queries(django_assert_num_queries: Any) -> None:
    Target.objects.bulk_create(
        Target(
            target=f"silver.big_{number:05}", layer="silver", kind="append", warehouse="big", rows_relation="x",
            contract={"columns": [{"name": f"column_{number % 97}"}, {"name": "amount", "doc": "What it costs"}]},
        )
        for number in range(20_000)
    )  # fmt: skip
    with django_assert_num_queries(2):
        found = search("big column_42", None)
    assert {hit.column for hit in found.columns} == {"column_42"}
    assert (len(found.tables), found.more) == (60, True)
    assert search("big_12345", None).tables[0].table == "silver.big_12345"


def test_marks_of_personal_data_follow_values_and_stop_where_it_is_said(staff: Client) -> None:
    for source, target in (
        ("bronze.a.mail", "silver.b.mail"),
        ("silver.b.mail", "gold.c.mail"),
        ("silver.b.mail", "gold.c.mails"),
        ("gold.c.mails", "gold.d.mails"),
        ("bronze.a.name", "silver.b.name"),
        ("bronze.a.mail", "silver.b.domain"),
    ):
        (st, _, sc), (tt, _, tc) = source.rpartition("."), target.rpartition(".")
        ColumnLineage.objects.create(source_table=st, source_column=sc, target_table=tt, target_column=tc)
    ColumnLineage.objects.create(
        source_table="silver.b", source_column="mail", target_table="gold.c", target_column="has_mail", kind="INDIRECT"
    )
    for name in ("bronze.a", "silver.b", "gold.c", "gold.d"):
        Target.objects.create(target=name, layer=name[:6].strip("."), kind="x", warehouse="w", rows_relation=name)
    mark("silver.b", mail=True)
    mark("gold.c", mails=False)
    whole = {"_extra", "_raw_payload"}
    assert personal_columns(["bronze.a", "silver.b", "gold.c", "gold.d"]) == {
        "bronze.a": {"mail", *whole},
        "silver.b": {"mail", *whole},
        "gold.c": {"mail", *whole},
    }


def test_personal_data_is_masked_in_samples_and_traces_without_the_permission(
    staff: Client, person: Callable[..., Client]
) -> None:
    first = seeds.seed_sales()
    mark("silver.invoice_lines", country=True)
    trusted = person("view_target", "view_personal_data")
    day = json.dumps({"day": "2026-01-05", "country": "Norway"})
    for address, query in (
        ("/admin/tables/bronze.raw_invoice_lines/", {}),
        ("/admin/tables/gold.retail_daily_revenue/", {}),
        ("/admin/trace/", {"table": "bronze.raw_invoice_lines", "key": first}),
        ("/admin/trace.json", {"table": "bronze.raw_invoice_lines", "key": first}),
        ("/admin/explain.json", {"table": "gold.retail_daily_revenue", "key": day}),
    ):
        seen, veiled = trusted.get(address, query), staff.get(address, query)
        assert (seen.status_code, veiled.status_code) == (200, 200)
        told = json.dumps(veiled.json(), ensure_ascii=False) if address.endswith("json") else veiled.content.decode()
        assert "Norway" in seen.content.decode()
        assert "Norway" not in told
        assert MASK in told
    page = staff.get("/admin/tables/gold.retail_daily_revenue/")
    assert "personal data is masked" in page.content.decode()
    assert page.context["sample"].keys == [""]  # its key is personal, too
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dwh_lineage.targets SET contract = contract - 'about' WHERE target LIKE 'silver.%'")
    assert "Norway" in staff.get("/admin/tables/bronze.raw_invoice_lines/").content.decode()


def test_a_table_shows_what_its_loads_wrote_and_what_is_open(staff: Client) -> None:
    seeds.seed_warehouse()
    seeds.seed_exceptions(20)
    TableDependency.objects.all().delete()
    context = staff.get(f"/admin/tables/{seeds.LINES}/").context
    assert context["volume"].most == 26157 + 16324
    assert context["causes"][0].title == "Customer is missing"
    assert staff.get(f"/admin/tables/{seeds.BRONZE}/").context["volume"].bars[-1].title.endswith("1 rejected")
