"""The lineage pages in a real browser: by keyboard and by mouse; and what axe-core has against the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User

from tests import seeds
from tests.pages.small_shop import depends
from tests.pages.test_browser import CHROMIUM, browsing, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: the pages are not tested in a browser")
DAY = json.dumps({"day": "2026-01-05", "country": "Norway"})
FOCUSED = "document.activeElement.getAttribute('aria-label').split(',')[0]"


@pytest.fixture
def page(db: None, settings: Any) -> Iterator[Page]:
    """A page of somebody who may see everything."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    seeds.seed_warehouse()
    seeds.seed_runs(5)
    seeds.seed_exceptions(40)
    seeds.seed_sales()
    depends("till files", seeds.BRONZE, seeds.LINES, seeds.REVENUE, "the board")
    User.objects.create_superuser("ada", password="engine")  # noqa: S106
    with serving() as address, browsing(address) as page:
        yield page


def test_the_graph_is_walked_by_keyboard_and_by_mouse(page: Page) -> None:
    page.goto(f"/admin/lineage/?table={seeds.LINES}&depth=1")
    page.focus(f"a[aria-label^='{seeds.LINES},']")
    assert page.locator("svg.looking .node.lit").count() == 3  # the box in focus, and its ways both ways
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED) == seeds.REVENUE
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FOCUSED) == seeds.BRONZE
    width = "document.querySelector('svg.graph').getAttribute('width')"
    before = float(page.evaluate(width))
    page.keyboard.press("+")
    assert float(page.evaluate(width)) == pytest.approx(before * 1.25)
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**table={seeds.BRONZE}&depth=1")

    page.goto(f"/admin/lineage/?table={seeds.LINES}&depth=1")
    page.eval_on_selector("#graph-sheet", "sheet => sheet.dataset.mark = 'the same'")
    page.click("text.more a[aria-label$='feeds'] >> nth=0")
    page.wait_for_selector("a[aria-label^='the board']")
    assert page.get_attribute("#graph-sheet", "data-mark") == "the same"  # fetched, not gone to
    assert "more=" in page.url
    page.go_back()
    page.wait_for_selector("a[aria-label^='the board']", state="detached")
    page.click(f".node a[href='/admin/exceptions/rows/?{urlencode({'target': seeds.LINES})}']")
    page.wait_for_url("**/exceptions/rows/**")

    page.type("#site-search", "till_lin")
    page.keyboard.press("Enter")
    page.click(f"a:has-text('{seeds.LINES}')")
    assert seeds.LINES in page.inner_text("h1")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    axe, found = Axe(), []

    def look() -> None:
        for violation in axe.run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                found.append((page.url, violation["id"], violation["help"], nodes))

    sale = urlencode({"table": "gold.retail_daily_revenue", "key": DAY})
    for address in (
        "lineage/",
        "lineage/?view=groups",
        "lineage/?view=list",
        f"tables/{seeds.LINES}/",
        "columns/?table=silver.order_items&column=quantity",
        f"trace/?{sale}",
        f"explain/?{sale}",
        "exceptions/",
        f"exceptions/rows/?target={seeds.LINES}",
        "search/?q=till",
    ):
        page.goto(f"/admin/{address}")
        look()
    page.goto("/admin/")
    page.click(".last-runs a >> nth=0")
    look()
    page.click("text=Compare with run")
    look()
    assert found == []
