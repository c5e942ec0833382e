"""The pages in a real browser. Skipped where no Chromium is installed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connections
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import sync_playwright

from lineage.models import PipelineRun, Step
from lineage.pages import registered
from tests import seeds

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: the pages are not tested in a browser")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1600, "height": 900}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site(db: None, settings: Any) -> Iterator[str]:
    """The address of the pages. They work in the test's own transaction, so that nothing of it stays."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    seeds.seed_warehouse()
    seeds.seed_runs(60)
    seeds.seed_exceptions(220)
    seeds.seed_accounting(gap=2)
    User.objects.create_superuser("ada", password="engine")  # noqa: S106
    with serving() as address:
        yield address


@contextmanager
def serving() -> Iterator[str]:
    """The pages, served from the test's own connection."""
    ours = connections["default"]
    application = get_wsgi_application()

    def in_our_transaction(environ: Any, start_response: Any) -> Any:
        connections["default"] = ours
        return application(environ, start_response)

    ours.inc_thread_sharing()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    server = make_server("127.0.0.1", 0, in_our_transaction, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    ours.dec_thread_sharing()


@pytest.fixture
def beside(site: str) -> Callable[[Callable[[], Any]], Any]:
    """beside(act): what `act` returns, which may ask the database; playwright's own thread may not. Name it before
    `page`."""
    ours = connections["default"]

    def beside(act: Callable[[], Any]) -> Any:
        def in_our_transaction() -> Any:
            connections["default"] = ours
            return act()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(in_our_transaction).result()

    return beside


@pytest.fixture
def page(site: str) -> Iterator[Page]:
    """A page of somebody who has logged in; what the browser complains about fails the test."""
    with browsing(site) as page:
        yield page


@contextmanager
def browsing(site: str) -> Iterator[Page]:
    """The same, of pages at any address, where ada may log in."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(base_url=site, viewport=DESK, color_scheme="light")
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # Aborted: the test went on to another page before a picture was there; that is no fault of the page's.
        page.on(
            "requestfailed",
            lambda request: complaints.append(request.url) if request.failure != "net::ERR_ABORTED" else None,
        )
        page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.goto("/admin/")
        page.fill("#id_username", "ada")
        page.fill("#id_password", "engine")
        page.click("text=Log in")
        page.wait_for_url("**/admin/")
        yield page
        browser.close()
    assert complaints == []


def test_from_the_dashboard_to_a_cause_to_an_exception_and_back(page: Page) -> None:
    page.click("text=Quantity must be above 0")
    assert page.inner_text("h1") == "Quantity must be above 0"
    page.click(".list tbody tr:first-child a")
    assert page.locator("tr.broken").count() >= 2
    assert page.locator("tr.broken", has_text="Quantity must be above 0").count() == 1
    page.click(".breadcrumbs >> text=Exceptions")
    assert "causes" in page.inner_text("h1")
    page.click(".breadcrumbs >> text=Dashboard")
    assert page.inner_text("tr.gap .bad") == "2"


def test_a_run_is_found_by_its_status(page: Page) -> None:
    page.click("nav >> text=Runs")
    page.select_option("#id_status", "failed")
    page.click("text=Show")
    page.wait_for_selector("tbody .badge-bad")
    assert page.locator("tbody tr").count() == 1
    page.click("tbody a >> nth=0")
    assert "What to do" in page.inner_text(".note-bad")
    assert page.locator("rect.bar-bad").count() == 1


def test_the_next_times_of_a_schedule_follow_what_is_typed(page: Page) -> None:
    page.goto("/admin/schedules/")
    page.click("text=retail_daily")
    page.click("text=Change")
    assert "At 02:00 every day" in page.inner_text("#next-times")
    page.fill("#id_cron", "")
    page.type("#id_cron", "30 6 * * *")
    page.wait_for_selector("#next-times >> text=At 06:30 every day")
    page.type("#id_time_zone", "x")
    page.wait_for_selector("#next-times >> text=is no time zone")


def test_a_run_and_the_list_follow_what_happens_while_one_looks(
    beside: Callable[[Callable[[], Any]], Any], page: Page
) -> None:
    run = beside(lambda: _live_run("running"))
    steps, runs = Step.objects.filter(run=run), PipelineRun.objects.filter(pk=run)
    page.goto(reverse("admin:run", args=[run]))
    page.eval_on_selector(".scroll", "box => box.dataset.mark = 'the same'")
    beside(lambda: steps.update(state="succeeded", ended_at=timezone.now()))
    page.wait_for_selector("#run-steps .badge-good")
    assert page.get_attribute(".scroll >> nth=0", "data-mark") == "the same"  # what scrolls is not exchanged
    beside(lambda: runs.update(status="completed", completed_at=timezone.now()))
    page.wait_for_selector("#run-status .badge-good")
    assert page.get_attribute("#run-poll", "hx-get") is None

    page.goto(reverse("admin:runs"))
    page.focus(f"#run-{run}")
    beside(lambda: runs.update(status="running"))
    page.wait_for_selector("#run-rows .badge-busy")
    assert page.evaluate("document.activeElement.id") == f"run-{run}"


def test_a_run_is_cancelled_without_a_script(beside: Callable[[Callable[[], Any]], Any], page: Page) -> None:
    run = beside(lambda: _live_run("queued"))
    page.goto(reverse("admin:run", args=[run]))
    page.click("#run-actions >> text=Cancel")
    page.fill("#reason", "the wrong day")
    page.click("button:has-text('Cancel run')")
    assert "cancelled" in page.inner_text("#run-status")
    assert "the wrong day" in page.inner_text("#run-facts")


def _live_run(state: str) -> int:
    run = PipelineRun.objects.create(pipeline_name="live", status="running", started_at=timezone.now())
    Step.objects.create(run=run, target=seeds.LINES, position=1, state=state, token=1)
    return run.pk


def is_seen_by_itself(page: Page, address: str) -> bool:
    """Not so what is only sent to, downloaded, or about something that its address names."""
    answer = page.request.get(address)
    return answer.ok and "text/html" in answer.headers["content-type"]


def test_no_page_scrolls_sideways_or_offends_the_content_security_policy(page: Page) -> None:
    addresses = [f"/admin/{entry.path}" for entry in registered() if "<" not in entry.path and "." not in entry.path]
    addresses = [address for address in addresses if is_seen_by_itself(page, address)]
    assert len(addresses) > 15
    addresses += ["/admin/", "/admin/administration/", "/admin/lineage/batch/"]
    addresses += [page.get_attribute(".cause-title a", "href") or "", page.get_attribute(".last-runs a", "href") or ""]
    run = page.get_attribute(".last-runs a", "href") or ""
    addresses.append(f"{run}{seeds.LINES}/again/")
    page.goto("/admin/exceptions/rows/")
    addresses.append(page.get_attribute("tbody a", "href") or "")
    for viewport in (PHONE, DESK):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for address in addresses:
            page.goto(address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, (address, viewport)


def test_the_theme_toggles_and_is_remembered(page: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click(".theme-toggle")
    dark = page.evaluate(ground)
    assert dark != light
    page.click("nav >> text=Runs")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate(ground) == dark


def test_the_keyboard_reaches_the_content_past_the_header(page: Page) -> None:
    page.goto("/admin/runs/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content-start"


def test_logging_out_leads_back_to_the_login(page: Page) -> None:
    page.click("text=Log out")
    page.goto(reverse("admin:runs"))
    assert page.locator("#id_username").count() == 1
