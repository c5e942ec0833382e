"""The pages about tables and their lineage: what they show, what they ask of the database, what they let nobody do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from lineage.models import Target, TargetInput
from tests.pages.small_shop import depends, empty_warehouse, make_shop, make_target

pytestmark = pytest.mark.django_db

HOSTILE = 'silver.x"; DROP TABLE y; --<script>alert(1)</script>'
Counted = Callable[..., Any]


@pytest.fixture(autouse=True)
def bare_warehouse(db: None) -> None:
    empty_warehouse()


@pytest.fixture
def shop() -> None:
    make_shop()


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada", password="secret"))  # noqa: S106
    return client


@pytest.mark.usefixtures("shop")
def test_a_table_that_nobody_knows_is_not_found_and_said_so(staff: Client) -> None:
    for address in ("/admin/lineage/?table=silver.none", "/admin/tables/silver.none/"):
        response = staff.get(address)
        assert response.status_code == 404
        assert "silver.none" in response.content.decode()
    assert staff.get("/admin/lineage/?table=%00").status_code == 200  # as if no table were named


def test_pages_say_what_to_do_where_there_is_nothing(staff: Client) -> None:
    for name in ("lineage", "tables", "watermarks"):
        page = staff.get(reverse(f"admin:{name}")).content.decode()
        assert "manage.py makemigrations" in page


@pytest.mark.usefixtures("shop")
def test_no_page_has_inline_styles_or_scripts(staff: Client) -> None:
    for address in _ADDRESSES:
        page = staff.get(address).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r"\son\w+=", page)


_ADDRESSES = (
    "/admin/lineage/",
    "/admin/lineage/?table=silver.lines",
    "/admin/lineage/?view=groups",
    "/admin/lineage/?view=list",
    "/admin/tables/",
    "/admin/tables/silver.lines/",
    "/admin/watermarks/",
)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("address", "queries"),
    [
        # Two of each are the session and the user.
        ("/admin/lineage/", 4),
        ("/admin/lineage/?table=silver.lines", 6),
        ("/admin/lineage/?view=list", 7),
        ("/admin/lineage.json", 4),
        ("/admin/columns/?table=silver.lines&column=line_id", 5),
        ("/admin/tables/", 5),
        ("/admin/tables/gold.days/", 14),
        ("/admin/tables/silver.lines/", 18),
        ("/admin/watermarks/", 4),
    ],
)
def test_a_page_asks_the_database_as_often_for_many_tables_as_for_few(
    staff: Client, django_assert_num_queries: Counted, address: str, queries: int
) -> None:
    staff.get("/admin/lineage/")  # content types and the like are read once
    with django_assert_num_queries(queries):
        staff.get(address)
    for number in range(30):
        make_target(f"gold.more_{number}")
        depends("silver.lines", f"gold.more_{number}")
    with django_assert_num_queries(queries):
        staff.get(address)


@pytest.mark.usefixtures("shop")
def test_the_list_of_tables_shows_figures_of_the_ledger(staff: Client) -> None:
    response = staff.get("/admin/tables/")
    (section,) = [s for s in response.context["sections"] if s["layer"] == "silver"]
    (row,) = [row.record for row in section["table"].rows]
    assert (row.rows, row.waiting_batches, row.waiting_rows, row.open_exceptions) == (85, 1, 7, 10)


@pytest.mark.usefixtures("shop")
def test_the_list_of_tables_is_searched_by_name_description_and_layer(staff: Client) -> None:
    for query, expected in (
        ("q=LINES", ["bronze.raw_lines", "silver.lines"]),
        ("q=each line", ["silver.lines"]),
        ("layer=gold", ["gold.days"]),
        ("layer=nonsense&q=days", ["gold.days"]),
        ("q=nothing of the kind", []),
    ):
        sections = staff.get(f"/admin/tables/?{query}").context["sections"]
        assert [row.record.target for section in sections for row in section["table"].rows] == expected


@pytest.mark.usefixtures("shop")
def test_a_table_shows_columns_sources_loads_sample_and_neighbours(staff: Client) -> None:
    context = staff.get("/admin/tables/silver.lines/").context
    columns = {column.name: column for column in context["columns"]}
    assert (columns["line_id"].type, columns["line_id"].nullable) == ("bigint", False)
    assert columns["line_id"].sources[0]["transformation"] == "id::bigint"
    assert (context["upstream"], context["downstream"]) == (["bronze.raw_lines"], ["gold.days"])
    assert [load.rows_rejected for load in context["loads"]] == [10]
    assert context["keys"] == [("key", "line_id")]
    assert len(context["sample"].rows) == 20
    assert max(len(value or "") for row in context["sample"].rows for value in row) == 400


@pytest.mark.usefixtures("shop")
def test_a_table_behind_a_view_shows_what_people_read_and_what_is_kept_inside(staff: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE silver.people_rows (id bigint NOT NULL, _batch_no bigint)")
        cursor.execute("CREATE VIEW silver.people AS SELECT id FROM silver.people_rows")
    make_target("silver.people", rows_relation="silver.people_rows")
    columns = staff.get("/admin/tables/silver.people/").context["columns"]
    assert [(column.name, column.nullable, column.internal) for column in columns] == [
        ("id", False, False),
        ("_batch_no", True, True),
    ]


@pytest.mark.usefixtures("shop")
def test_a_table_shows_its_query_and_its_routines_as_installed(staff: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE PROCEDURE dwh_etl.load_gold_days(in_batch_id uuid) LANGUAGE sql AS 'SELECT 1 < 2'")
    Target.objects.filter(target="gold.days").update(
        load_routine="dwh_etl.load_gold_days", rebuild_routine="dwh_etl.gone"
    )
    query, load, rebuild = staff.get("/admin/tables/gold.days/").context["codes"]
    assert (query.text, query.lines) == ("SELECT day, sum(x)\nFROM silver.lines", 2)
    assert "SELECT 1 < 2" in load.text
    assert "dwh_etl.gone is not installed" in rebuild.text


@pytest.mark.usefixtures("shop")
def test_a_table_that_is_not_installed_yet_says_so(staff: Client) -> None:
    page = staff.get("/admin/tables/gold.days/").content.decode()
    assert "gold.days is not installed" in page


@pytest.mark.usefixtures("shop")
def test_rows_that_cannot_be_read_do_not_break_the_page(staff: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW gold.days AS SELECT 1 / (line_id - line_id) AS one FROM silver.lines")
    response = staff.get("/admin/tables/gold.days/")
    assert response.status_code == 200
    assert "division by zero" in response.context["sample"].problem


@pytest.mark.usefixtures("shop")
def test_hostile_names_and_contents_are_shown_and_never_run(staff: Client) -> None:
    make_target(HOSTILE, description="<script>alert(2)</script>", load_routine='x"; DROP TABLE y; --')
    depends(HOSTILE, "gold.days")
    for address in (
        "/admin/lineage/",
        "/admin/lineage/?view=list",
        "/admin/tables/",
        reverse("admin:table", args=[HOSTILE]),
        "/admin/lineage.svg",
        "/admin/tables/silver.lines/",
    ):
        response = staff.get(address)
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
    assert "<b>é" not in staff.get("/admin/tables/silver.lines/").content.decode()
    response = staff.get("/admin/lineage.svg", {"table": HOSTILE})
    assert re.fullmatch(r'attachment; filename="[\w.-]+"', response["Content-Disposition"])


@pytest.mark.usefixtures("shop")
def test_a_name_outside_the_targets_reaches_no_query(staff: Client) -> None:
    for name in ("pg_catalog.pg_authid", "public.auth_user", "dwh_lineage.targets"):
        assert staff.get(reverse("admin:table", args=[name])).status_code == 404


@pytest.mark.usefixtures("shop")
def test_watermarks_say_who_has_taken_what_and_who_is_behind(staff: Client) -> None:
    make_target("gold.late")
    TargetInput.objects.create(consumer_id="gold.late", source_id="gold.days")
    response = staff.get("/admin/watermarks/")
    rows = {row.record["table_name"]: row.record for row in response.context["table"].rows}
    assert (rows["silver.lines"]["waiting_batches"], rows["silver.lines"]["waiting_rows"]) == (1, 7)
    assert rows["gold.late"]["up_to"] is None  # its source has no batch: -infinity in the database
    assert "1 of 3 tables" in response.content.decode()


def test_pages_are_for_staff_who_may_see_tables(client: Client) -> None:
    for name in ("lineage", "lineage-svg", "lineage-json", "tables", "watermarks"):
        assert client.get(reverse(f"admin:{name}")).status_code == 302
    client.force_login(User.objects.create_user("bob", is_staff=True))
    for name in ("lineage", "lineage-svg", "lineage-json", "tables", "watermarks"):
        assert client.get(reverse(f"admin:{name}")).status_code == 403
