"""The five-second test: after a bad deploy upstream, the first screen says what is wrong and what is meant, and three
interactions later all is well."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.urls import reverse

from quality.models import QualityDecision
from quality.replay import replay
from tests.pages import test_browser as browser
from tests.warehouses import bench_database as bench
from tests.warehouses.shop import Shop

pytestmark = pytest.mark.skipif(
    browser.CHROMIUM is None, reason="no Chromium on PATH: the pages are not tested in a browser"
)
CRM = """
class CrmClients(bronze.Table):
    source = Drop
    columns = "id status since"


class Clients(silver.Table):
    id = Integer("id")
    status = Text("status", rules=[OneOf("active", "blocked", "closed")])
    since = Date("since")

    class Meta:
        source = CrmClients
        history = Append()


class Sales(gold.Aggregate):
    query, grain = "sales.sql", "status"
"""
SALES = "SELECT status, count(*) AS clients FROM silver.clients GROUP BY status"
#: Where pictures of the pages go, for people to look at.
PICTURES = os.environ.get("ASSAY_TEST_PICTURES")


def crm(shop: Shop, rows: int, bad: int) -> None:
    """So many clients of source crm; of the bad ones, 99.5 % have a misspelt status, the others a date the wrong way
    round."""
    User.objects.create_superuser("ada", password="engine")  # noqa: S106
    shop.step(CRM, sales=SALES)
    with bench.repeatable_read(shop.sql):
        batch = shop.value("SELECT dwh_etl.begin_ingestion('bronze.crm_clients', 'crm', 'crm.csv', 'c', 1)")
        shop.sql.execute(
            "INSERT INTO bronze.crm_clients_rows (id, status, since) SELECT g, "
            "CASE WHEN g <= %(bad)s AND g %% 200 <> 0 THEN 'actve' ELSE 'active' END, "
            "CASE WHEN g <= %(bad)s AND g %% 200 = 0 THEN to_char(date '2024-01-13' + g / 200 %% 4, 'MM/DD/YYYY') "
            "ELSE '2024-01-13' END FROM generate_series(1, %(rows)s) AS g",
            {"rows": rows, "bad": bad},
        )
        shop.sql.execute("SELECT dwh_etl.finish_ingestion(%s, %s)", (batch, rows))
    shop.run("silver.clients", "gold.sales")


def worker() -> Callable[[], None]:
    """Carries out the latest decision, in a thread of its own: playwright's may not ask the database. Call it before
    there is a browser."""
    ours = connections["default"]

    def carry_out() -> None:
        connections["default"] = ours
        replay(QualityDecision.objects.latest("pk").pk)

    def carry_out_elsewhere() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(carry_out).result()

    return carry_out_elsewhere


def picture(page: Any, name: str) -> None:
    if PICTURES:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for size in (browser.DESK, browser.PHONE):
                page.set_viewport_size(size)
                page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}-{size['width']}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(browser.DESK)


@pytest.mark.parametrize(("rows", "bad"), [(100_000, 10_000), pytest.param(1_000_000, 100_000, marks=pytest.mark.slow)])
def test_the_first_screen_says_all_and_three_interactions_land_the_rows(
    db: None, shop: Shop, settings: Any, rows: int, bad: int
) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    crm(shop, rows, bad)
    misspelt, dates = f"{bad * 995 // 1000:,}", f"{bad * 5 // 1000:,}"
    carry_out = worker()
    with browser.serving() as site, browser.browsing(site) as page:
        page.set_default_timeout(60_000)
        page.goto(reverse("admin:index"))
        assert f"{bad:,} open · 2 causes" in page.inner_text("h2:has-text('open')")
        first, second = (cause.inner_text() for cause in page.locator(".cause").all())
        assert first.startswith(misspelt)
        for part in ("99.5 %", "status = 'actve'", "silver.clients", "source crm", "since", "batch", "gold.sales",
                     "actve → active"):  # fmt: skip
            assert part in first
        assert second.startswith(dates)
        for part in ("0.5 %", "since written 99/99/9999", "→ 2024-01-1", "read as month, day, year"):
            assert part in second
        picture(page, "dashboard")

        page.click(f"text=Preview {misspelt}")  # 1
        page.wait_for_selector("#preview .figures")
        assert f"Would land\n{misspelt}" in page.inner_text("#preview .figures")
        picture(page, "preview")
        page.click("button:has-text('Confirm')")  # 2
        page.wait_for_selector("#live")
        carry_out()
        page.wait_for_selector("#live .badge:has-text('done')")  # it comes by itself
        assert f"Landed\n{misspelt}" in page.inner_text("#live .figures")
        assert shop.value("SELECT count(*) FROM silver.clients") == rows - bad * 5 // 1000
        picture(page, "decision")

        page.click("a:has-text('Exceptions')")  # 3: and nothing of it is left
        assert f"{dates} open · 1 cause" in page.inner_text("h1")
        picture(page, "issues")
        page.click("text=since written 99/99/9999")
        picture(page, "issue")
        page.click("button:has-text('Preview')")
        page.wait_for_selector("#preview .figures")
        assert f"Would land\n{dates}" in page.inner_text("#preview .figures")
        picture(page, "dates")
