"""A steward clears rows with the keyboard, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tests.pages import test_browser as browser
from tests.warehouses import bench_database as bench
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_overlay import GOOD

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(
    browser.CHROMIUM is None, reason="no Chromium on PATH: the pages are not tested in a browser"
)
#: Where pictures of the pages go, for people to look at.
PICTURES = os.environ.get("ASSAY_TEST_PICTURES")


@pytest.mark.slow
def test_rows_are_found_ticked_checked_and_corrected_without_a_mouse(shop: Shop, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    User.objects.create_superuser("ada", password="engine")  # noqa: S106
    with bench.repeatable_read(shop.sql):
        bench.ingest(shop.sql, RawReadings, [GOOD | {"state": "onn", "note": "two\nlines"}] * 3)
        bench.call(shop.sql, Readings.target)
    with browser.serving() as site, browser.browsing(site) as page:
        page.goto(reverse("admin:exception_rows") + f"?target={Readings.target}")
        for key in ("j", "x", "j", "x", "k"):
            page.keyboard.press(key)
        assert page.locator("input[name=chosen]:checked").count() == 2
        page.keyboard.press("?")
        assert "older, newer" in page.inner_text("#keys")
        page.keyboard.press("Escape")
        picture(page, "rows")
        page.keyboard.press("Enter")
        page.wait_for_selector("#tried")
        first = page.url
        page.keyboard.press("j")
        page.wait_for_function("first => location.href !== first", arg=first)
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("of")
        page.keyboard.press("Tab")
        page.wait_for_selector("#tried >> text=state is none of")
        picture(page, "row")
        page.fill("input[name='cell.state']", "on")
        page.keyboard.press("Tab")
        page.wait_for_selector("#tried:not(:has-text('state is none of'))")
        page.click("button:has-text('Correct this row')")
        page.wait_for_selector("text=is queued")
        assert page.inner_text("h1 .badge") == "queued"
        page.keyboard.press("u")
        page.wait_for_url("**/decisions/*/")


def picture(page: Page, name: str) -> None:
    """Pictures of the page where somebody wants them: wide and narrow, light and dark."""
    if not PICTURES:
        return
    for width, height, scheme in ((1600, 1000, "light"), (1600, 1000, "dark"), (390, 844, "light")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(500)  # colours change slowly
        page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, (name, width)
    page.set_viewport_size({"width": 1600, "height": 900})
    page.emulate_media(color_scheme="light")
