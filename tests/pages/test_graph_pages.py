"""The lineage page: what the picture shows, what its address holds, what filters leave out, how large it may be."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client

from lineage.models import PipelineRun
from tests.pages.small_shop import (
    SVG,
    big_warehouse,
    boxes,
    depends,
    empty_warehouse,
    make_shop,
    make_target,
    names_in,
    svg_of,
)

pytestmark = pytest.mark.django_db
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
def test_the_graph_shows_every_layer_from_source_to_consumer(staff: Client) -> None:
    page = staff.get("/admin/lineage/").content.decode()
    places = {label.split(",")[0]: float(place.split("(")[1].split()[0]) for label, place in boxes(page).items()}
    ordered = ["till files", "bronze.raw_lines", "silver.lines", "gold.days", "report of the board"]
    assert sorted(places, key=lambda name: places[name]) == ordered
    assert len(list(svg_of(page).iter(f"{SVG}path"))) >= 4


@pytest.mark.usefixtures("shop")
def test_a_box_says_what_was_loaded_what_is_open_and_what_waits(staff: Client) -> None:
    page = staff.get("/admin/lineage/").content.decode()
    (label,) = [label for label in boxes(page) if label.startswith("silver.lines")]
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
        labels = boxes(staff.get(f"/admin/lineage/?{query}").content.decode())
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
    assert names_in(page) == expected
    data = json.loads(staff.get(f"/admin/lineage.json?{query}").content)
    assert {node["name"] for node in data["nodes"]} == expected
    rows = staff.get(f"/admin/lineage/?{query}&view=list").context["table"].rows
    assert {row.record["name"] for row in rows} == expected


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
    assert names_in(staff.get(f"/admin/lineage/?{query}").content.decode()) == expected
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
    assert names_in(page) == {"bronze.raw_lines", "silver.lines", "gold.days", "report of the board"}


@pytest.mark.usefixtures("shop")
def test_the_graph_collapses_to_a_box_for_each_warehouse_and_layer(staff: Client) -> None:
    for number in range(3):
        make_target(f"silver.more_{number}", warehouse="other")
        depends(f"silver.more_{number}", "gold.days")
    response = staff.get("/admin/lineage/?view=groups")
    page = response.content.decode()
    assert any(label.startswith("Silver, other, 3 tables") for label in boxes(page))
    (url,) = re.findall(r'<g class="node group silver"[^>]*><a class="box" href="(\?[^"]+)"', page)
    opened = staff.get(f"/admin/lineage/{html.unescape(url)}").content.decode()
    assert {"silver.more_0", "silver.more_1", "silver.more_2"} < names_in(opened)


def test_two_thousand_tables_are_collapsed_and_drawn_one_by_one_on_demand(
    staff: Client, django_assert_num_queries: Counted
) -> None:
    big_warehouse(2_000, 3_300)
    with django_assert_num_queries(4):
        collapsed = staff.get("/admin/lineage/").content.decode()
    assert "2,000 boxes are too many for one picture" in collapsed
    assert len(boxes(collapsed)) == 12
    response = staff.get("/admin/lineage/?view=picture", headers={"accept-encoding": "gzip"})
    assert len(response.content) < 80_000
    page = gzip.decompress(response.content).decode()
    assert len(page.encode()) < 700_000
    assert len(boxes(page)) == 2_000
    assert len(svg_of(page).findall(f".//{SVG}g[@class='edges']/{SVG}path")) == 3_300


@pytest.mark.slow
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
    assert 2 <= len(boxes(around)) <= 100
    assert len(around) < 200_000
