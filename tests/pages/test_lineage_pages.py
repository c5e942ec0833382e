"""The pages about tables and their lineage: what they show, what they ask of the database, what they let nobody do."""

from __future__ import annotations

import gzip
import html
import json
import random
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from lineage.models import Batch, ColumnLineage, Pending, PipelineRun, TableDependency, Target, TargetInput

pytestmark = pytest.mark.django_db

HOSTILE = 'silver.x"; DROP TABLE y; --<script>alert(1)</script>'
SVG = "{http://www.w3.org/2000/svg}"
Counted = Callable[..., Any]


@pytest.fixture(autouse=True)
def bare_warehouse(db: None) -> None:
    """Without the tables of the examples, which migrations install: these tests make their own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE dwh_lineage.targets, dwh_lineage.table_dependencies, dwh_lineage.column_lineage CASCADE"
        )


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ada", password="secret"))  # noqa: S106
    return client


def make_target(name: str, **values: Any) -> Target:
    layer = name.partition(".")[0]
    return Target.objects.create(
        **{"target": name, "layer": layer, "kind": "append", "warehouse": "shop", "rows_relation": name, **values}
    )


def depends(*chain: str) -> None:
    for upstream, downstream in pairwise(chain):
        TableDependency.objects.get_or_create(
            upstream_table=upstream, downstream_table=downstream, defaults={"origin": "declared"}
        )


@pytest.fixture
def shop() -> None:
    """till files → bronze.raw_lines → silver.lines → gold.days → a report; one batch waits, ten rows are bad."""
    run = PipelineRun.objects.create(pipeline_name="daily", status="running")
    bronze, silver, gold = (
        make_target("bronze.raw_lines", kind="bronze"),
        make_target("silver.lines", description="One row for each line", contract={"key": ["line_id"]}),
        make_target("gold.days", kind="aggregate", contract={"query": "SELECT day, sum(x)\nFROM silver.lines"}),
    )
    depends("till files", "bronze.raw_lines", "silver.lines", "gold.days", "report of the board")
    for consumer, source in ((silver, bronze), (gold, silver)):
        TargetInput.objects.create(consumer=consumer, source=source)
    taken = _batch(bronze, "ingest", run, source_file="lines_1.csv", rows_inserted=100)
    waiting = _batch(bronze, "ingest", run, source_file="lines_2.csv", rows_inserted=7)
    _batch(silver, "load", run, rows_read=100, rows_inserted=90, rows_deleted=5, rows_rejected=10)
    Pending.objects.create(consumer=silver, batch=waiting)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.quality_exceptions (source_table, bronze_id, issues, target_table, batch_no)"
            " SELECT 'bronze.raw_lines', n, '{Amount is required}', 'silver.lines', %s FROM generate_series(1, 10) n",
            [taken.batch_no],
        )
        cursor.execute("CREATE TABLE silver.lines (line_id bigint NOT NULL, note text)")
        cursor.execute("INSERT INTO silver.lines SELECT n, '<b>' || repeat('é', 500) FROM generate_series(1, 30) AS n")
    ColumnLineage.objects.create(
        source_table="bronze.raw_lines",
        source_column="id",
        target_table="silver.lines",
        target_column="line_id",
        transformation="id::bigint",
        is_key=True,
    )


def _batch(target: Target, kind: str, run: PipelineRun, **values: Any) -> Batch:
    return Batch.objects.create(
        **{
            "target": target,
            "kind": kind,
            "batch_id": run.batch_id,
            "opened_in": 1,
            "completed_at": "2026-03-01T12:00:00Z",
            **values,
        }
    )


PICTURE = re.compile(r'<svg xmlns="[^"]+" class="graph.*?</svg>', re.DOTALL)


def _svg(page: str) -> ElementTree.Element:
    found = PICTURE.search(page)
    assert found
    return ElementTree.fromstring(found[0])  # noqa: S314


def _boxes(page: str) -> dict[str, str]:
    """Where each box stands ("translate(x y)"), by what a screen reader says of it."""
    found = {}
    for node in _svg(page).iter():
        if "node" in node.get("class", "").split():
            link = node if node.tag == f"{SVG}a" else next(iter(node))
            found[link.get("aria-label", "")] = node.get("transform", "")
    return found


def _names(page: str) -> set[str]:
    return {label.split(",")[0] for label in _boxes(page)}


@pytest.mark.usefixtures("shop")
def test_the_graph_shows_every_layer_from_source_to_consumer(staff: Client) -> None:
    page = staff.get("/admin/lineage/").content.decode()
    places = {label.split(",")[0]: float(place.split("(")[1].split()[0]) for label, place in _boxes(page).items()}
    ordered = ["till files", "bronze.raw_lines", "silver.lines", "gold.days", "report of the board"]
    assert sorted(places, key=lambda name: places[name]) == ordered
    assert len(list(_svg(page).iter(f"{SVG}path"))) >= 4


@pytest.mark.usefixtures("shop")
def test_a_box_says_what_was_loaded_what_is_open_and_what_waits(staff: Client) -> None:
    page = staff.get("/admin/lineage/").content.decode()
    (label,) = [label for label in _boxes(page) if label.startswith("silver.lines")]
    assert "85 rows" in label
    assert "10 open exceptions" in label
    assert "1 batches waiting" in label
    for address in (
        "tables/silver.lines/",
        "exceptions/rows/?target=silver.lines",
        "gates/silver.lines/",
        "watermarks/",
    ):
        assert f'href="/admin/{address}' in page
    (run,) = PipelineRun.objects.all()
    assert f'href="/admin/runs/{run.pk}/"' in page


@pytest.mark.usefixtures("shop")
def test_trouble_is_shown_on_all_that_is_downstream_of_it_also_from_outside_the_view(staff: Client) -> None:
    for query in ("", "table=report of the board&depth=1", "table=gold.days&direction=downstream"):
        labels = _boxes(staff.get(f"/admin/lineage/?{query}").content.decode())
        told = {label.split(",")[0] for label in labels if "trouble upstream: silver.lines, 10 open exc" in label}
        assert told == {"gold.days", "report of the board"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("table=silver.lines&depth=1", {"bronze.raw_lines", "silver.lines", "gold.days"}),
        ("table=silver.lines&depth=1&direction=upstream", {"bronze.raw_lines", "silver.lines"}),
        ("table=silver.lines&depth=5&direction=downstream", {"silver.lines", "gold.days", "report of the board"}),
        ("table=till files&depth=1", {"till files", "bronze.raw_lines"}),
        ("table=silver.lines&depth=x&direction=sideways", None),
    ],
)
def test_the_url_holds_the_view_for_picture_list_and_json_alike(
    staff: Client, query: str, expected: set[str] | None
) -> None:
    if expected is None:  # what makes no sense counts as absent: two steps, both ways
        expected = {"till files", "bronze.raw_lines", "silver.lines", "gold.days", "report of the board"}
    page = staff.get(f"/admin/lineage/?{query}").content.decode()
    assert _names(page) == expected
    data = json.loads(staff.get(f"/admin/lineage.json?{query}").content)
    assert {node["name"] for node in data["nodes"]} == expected
    rows = staff.get(f"/admin/lineage/?{query}&view=list").context["table"].rows
    assert {row.record["name"] for row in rows} == expected


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
def test_the_svg_file_stands_alone(staff: Client) -> None:
    response = staff.get("/admin/lineage.svg?table=silver.lines")
    assert response["Content-Type"] == "image/svg+xml"
    assert response["Content-Disposition"] == 'attachment; filename="lineage-silver.lines.svg"'
    root = ElementTree.fromstring(response.content)  # noqa: S314
    assert root.find(f"{SVG}style") is not None
    assert "var(" not in response.content.decode()
    assert all(box.get("href", "").startswith("http://testserver/admin/") for box in root.iter(f"{SVG}a"))


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


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("layer=gold", {"gold.days"}),
        ("exceptions=open", {"silver.lines"}),
        ("freshness=behind", {"silver.lines"}),
        ("freshness=never loaded", {"gold.days"}),
        ("status=succeeded", {"bronze.raw_lines", "silver.lines"}),
        ("status=never run&table=bronze.raw_lines", {"bronze.raw_lines", "gold.days"}),
        (
            "status=odd&freshness=x",
            {"till files", "bronze.raw_lines", "silver.lines", "gold.days", "report of the board"},
        ),
    ],
)
def test_filters_leave_tables_out_of_picture_list_and_files(staff: Client, query: str, expected: set[str]) -> None:
    assert _names(staff.get(f"/admin/lineage/?{query}").content.decode()) == expected
    rows = staff.get(f"/admin/lineage/?{query}&view=list").context["table"].rows
    assert {row.record["name"] for row in rows} == expected
    data = json.loads(staff.get(f"/admin/lineage.json?{query}").content)
    assert {node["name"] for node in data["nodes"]} == expected
    lines = staff.get(f"/admin/lineage.csv?{query}").content.decode().splitlines()[1:]
    assert {name for line in lines for name in line.split(",")[:2] if name} == expected


@pytest.mark.usefixtures("shop")
def test_what_lies_only_behind_tables_that_are_left_out_is_joined_by_one_edge(staff: Client) -> None:
    depends("bronze.raw_lines", "silver.other", "gold.days")
    data = json.loads(staff.get("/admin/lineage.json?table=bronze.raw_lines&layer=gold&depth=5").content)
    assert [(e["upstream"], e["downstream"], e["type"]) for e in data["edges"]] == [
        ("bronze.raw_lines", "gold.days", "through")
    ]
    assert staff.get("/admin/lineage/?layer=consumer&exceptions=open").context["size"] == 0


@pytest.mark.usefixtures("shop")
def test_a_box_brings_in_its_neighbours_that_are_not_shown(staff: Client) -> None:
    page = staff.get("/admin/lineage/?table=silver.lines&depth=1").content.decode()
    more = re.findall(r'<a href="(\?[^"]+)" aria-label="Show 1 more that ([^"]+)"', page)
    assert [what for _, what in more] == ["feed bronze.raw_lines", "gold.days feeds"]
    page = staff.get(f"/admin/lineage/{html.unescape(more[1][0])}").content.decode()
    assert _names(page) == {"bronze.raw_lines", "silver.lines", "gold.days", "report of the board"}


@pytest.mark.usefixtures("shop")
def test_the_graph_collapses_to_a_box_for_each_warehouse_and_layer(staff: Client) -> None:
    for number in range(3):
        make_target(f"silver.more_{number}", warehouse="other")
        depends(f"silver.more_{number}", "gold.days")
    response = staff.get("/admin/lineage/?view=groups")
    page = response.content.decode()
    assert any(label.startswith("Silver, other, 3 tables") for label in _boxes(page))
    (url,) = re.findall(r'<g class="node group silver"[^>]*><a class="box" href="(\?[^"]+)"', page)
    opened = staff.get(f"/admin/lineage/{html.unescape(url)}").content.decode()
    assert {"silver.more_0", "silver.more_1", "silver.more_2"} < _names(opened)


LAYERS = ("bronze", "silver", "gold")


def big_warehouse(tables: int, edges: int) -> None:
    """So many tables of four warehouses, each fed by tables of its own layer or the one before."""
    third = tables // 3
    names = [f"{layer}.wh{number % 4}_table_{number:05}" for layer in LAYERS for number in range(third)]
    names += [f"gold.extra_{number}" for number in range(tables - len(names))]
    Target.objects.bulk_create(
        Target(target=name, layer=name.split(".")[0], kind="append", warehouse=f"wh{at % 4}", rows_relation=name)
        for at, name in enumerate(names)
    )
    chosen = random.Random(7)
    pairs: set[tuple[str, str]] = set()
    while len(pairs) < edges:
        at = chosen.randrange(third, tables)
        near = (at % third) * 0.9 + (at // third - 1) * third if chosen.random() < 0.9 else at - third
        pairs.add((names[max(0, min(int(near + chosen.gauss(0, 3)), at - 1))], names[at]))
    TableDependency.objects.bulk_create(TableDependency(upstream_table=a, downstream_table=b) for a, b in sorted(pairs))


def test_two_thousand_tables_are_collapsed_and_drawn_one_by_one_on_demand(
    staff: Client, django_assert_num_queries: Counted
) -> None:
    big_warehouse(2_000, 3_300)
    with django_assert_num_queries(4):
        collapsed = staff.get("/admin/lineage/").content.decode()
    assert "2,000 boxes are too many for one picture" in collapsed
    assert len(_boxes(collapsed)) == 12
    response = staff.get("/admin/lineage/?view=picture", headers={"accept-encoding": "gzip"})
    assert len(response.content) < 80_000
    page = gzip.decompress(response.content).decode()
    assert len(page.encode()) < 700_000
    assert len(_boxes(page)) == 2_000
    assert len(_svg(page).findall(f".//{SVG}g[@class='edges']/{SVG}path")) == 3_300


def test_twenty_thousand_tables_are_listed_by_pages_and_looked_at_around_one(
    staff: Client, django_assert_num_queries: Counted
) -> None:
    big_warehouse(20_000, 33_000)
    with django_assert_num_queries(7):
        listed = staff.get("/admin/lineage/?view=list&start=100")
    assert [len(listed.context["table"].rows), listed.context["size"]] == [100, 20_000]
    assert "101 to 200 of 20,000" in listed.content.decode()
    with django_assert_num_queries(6):
        around = staff.get("/admin/lineage/?table=gold.wh2_table_00002").content.decode()
    assert 2 <= len(_boxes(around)) <= 100
    assert len(around) < 200_000
