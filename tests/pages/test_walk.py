"""One walk through everything, in a real browser, with a real worker: as somebody would spend a morning.

A file is uploaded and run; the cause of what was set aside is looked at, fixed and replayed; a number changes, is
explained and traced to its line; two runs are looked at; a schedule is changed; a backfill is ordered and cancelled.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
from django.contrib.auth.hashers import make_password

from assay import parts
from assay.embedded import binaries
from assay.embedded.accounts import find_account
from assay.embedded.places import CHECKOUT
from tests.pages import test_browser as browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on PATH: the pages are not tested in a browser"),
]
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
#: 30 lines of 2 × 10.00 on one day; the till wrote six quantities as words.
LINES = [
    f"{500 + n},A{n % 5},THING {n % 5},{'two' if n % 5 == 4 else 2},2024-03-0{1 + n % 2} 10:00:00,10,{100 + n},France"
    for n in range(30)
]
#: Where pictures of the pages go, for people to look at.
PICTURES = os.environ.get("ASSAY_TEST_PICTURES")


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis for this walk alone."""
    folder = Path(tempfile.mkdtemp(prefix="assay-redis-", dir="/tmp"))
    program = [binaries.redis_server(find_account()), "--port", "0", "--unixsocket", folder / "s", "--save", ""]
    server = subprocess.Popen([*program, "--dir", folder], stdout=subprocess.DEVNULL)
    yield f"unix://{folder / 's'}?db=0"
    server.terminate()
    server.wait()
    shutil.rmtree(folder)


@pytest.fixture
def site(
    database_copy: Callable[[], Any], redis_url: str, tmp_path: Path
) -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """The address of pages, and a connection to their database; a worker and beat work at it."""
    database = database_copy()
    database.execute(
        "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email,"
        " date_joined) VALUES ('ada', %s, true, true, true, '', '', '', now())", (make_password("engine"),),
    )  # fmt: skip
    info = database.info
    query = urlencode({"host": info.host, "port": info.port, "user": info.user, "password": info.password})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | parts.python_path() | {
        "DATABASE_URL": f"postgresql:///{quote(info.dbname)}?{query}", "REDIS_URL": redis_url, "DEBUG": "1",
        "ASSAY_VAR": str(tmp_path / "var"), "ASSAY_WAREHOUSES": "retail,ecommerce", "REMAP_SIGTERM": "SIGQUIT",
    }  # fmt: skip
    environment.pop("ASSAY_EMBEDDED", None)
    commands = [parts.web("127.0.0.1", port, workers=1), [*parts.worker(1), "-B", "-s", str(tmp_path / "beat")]]
    log = (tmp_path / "log").open("wb")
    started = [
        subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log, start_new_session=True)
        for command in commands
    ]
    yield f"http://127.0.0.1:{port}", database
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)  # nothing of it is needed any more
        process.wait()
    log.close()
    print((tmp_path / "log").read_text()[-6000:])


def wait_for(address: str, seconds: float = 40) -> None:
    host, port = address.removeprefix("http://").split(":")
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, "The pages do not answer."
            time.sleep(0.1)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"walk-{name}.png", full_page=True)


def run_the_pipeline(page: Page) -> None:
    """From the list of runs to a run that has ended, watched on its page."""
    page.click("nav >> text=Runs")
    page.click("text=Run a pipeline")
    page.click("[aria-label='Run retail_daily']")
    page.wait_for_selector("#run-status .badge-good", timeout=60_000)
    picture(page, "run")


def test_one_walk_through_everything(site: tuple[str, psycopg.Connection[Any]], tmp_path: Path) -> None:
    address, database = site
    wait_for(address)
    file = tmp_path / "2024-03-02.csv"
    file.write_text("\n".join([HEADER, *LINES]) + "\n")
    with browser.browsing(address) as page:
        page.set_default_timeout(30_000)

        # Ingest: the file is uploaded, and lands.
        page.goto("/admin/files/upload/bronze.raw_invoice_lines/")
        page.set_input_files("#file", file)
        page.click("input[value=Upload]")
        page.wait_for_selector("text=30 rows")
        picture(page, "uploaded")

        run_the_pipeline(page)
        revenue = "SELECT sum(revenue)::int FROM gold.retail_daily_revenue"
        assert database.execute(revenue).fetchone() == (24 * 20,)

        # Look at what was set aside, fix its cause, replay.
        page.click("nav >> text=Dashboard")
        assert "6 open" in page.inner_text("h2:has-text('open')")
        picture(page, "dashboard")
        page.click(".cause-title a")
        page.fill("[aria-label='New text for two']", "2")
        page.click("form:has(.values-table) button")
        page.wait_for_selector("#preview .figures")
        assert "Would land\n6" in page.inner_text("#preview .figures")
        page.click("button:has-text('Confirm')")
        page.wait_for_selector("#live .badge:has-text('done')", timeout=60_000)
        picture(page, "decision")

        # See the number change: in the table, and as what the run has changed.
        run_the_pipeline(page)
        assert database.execute(revenue).fetchone() == (30 * 20,)
        page.click("#run-steps tr:has-text('gold.retail_daily_revenue') >> text=Changes")
        changed = [row.split("revenue")[1] for row in page.locator("table.changes tbody tr").all_inner_texts()]
        assert len(changed) == 2
        assert all("240" in row and "300" in row for row in changed)
        picture(page, "changes")

        # Explain it, and trace it to a line of the file.
        page.goto("/admin/tables/gold.retail_daily_revenue/")
        page.click("section:has(h2:has-text('Sample rows')) tbody a >> nth=0")
        page.click("text=Explain its numbers")
        assert "add up to this row, in every column" in page.inner_text(".note-good")
        picture(page, "explain")
        page.click("section:has(h2:has-text('Rows')) tbody a >> nth=0")
        page.wait_for_selector("text=bronze.raw_invoice_lines")
        assert "2024-03-02.csv" in page.inner_text("#content")
        picture(page, "trace")

        # Compare both runs.
        page.click("nav >> text=Runs")
        assert page.locator("tbody tr:has-text('retail_daily')").count() == 2
        page.click("tbody a >> nth=0")
        page.click("text=/^Compare with run/")
        assert "gold.retail_daily_revenue" in page.inner_text("#content")
        picture(page, "compare")

        # Schedule: another time, which is shown before it is saved.
        page.click("nav >> text=Schedules")
        page.click("text=retail_daily")
        page.click("text=Change")
        page.fill("#id_cron", "30 6 * * *")
        page.wait_for_selector("#next-times >> text=At 06:30 every day")
        page.click("button:has-text('Save')")
        page.wait_for_selector("text=Not as declared")
        picture(page, "schedule")

        # Backfill a month, and cancel it.
        page.goto("/admin/backfills/add/")
        page.select_option("#id_pipeline", "retail_daily")
        page.fill("#id_first", "2023-01-01")
        page.fill("#id_last", "2024-02-29")
        page.click("text=Order it")
        page.click("a:has-text('Cancel')")
        picture(page, "cancel")
        page.fill("#id_reason", "the wrong year")
        page.click("button:has-text('Cancel it')")
        page.wait_for_selector("h1 .badge:has-text('cancelled')")
        assert "the wrong year" in page.inner_text("#content")
        picture(page, "backfill")
        ended = "SELECT count(*) FROM dwh_lineage.pipeline_runs WHERE status NOT IN ('completed', 'cancelled')"
        until = time.monotonic() + 20
        while database.execute(ended).fetchone() != (0,):
            assert time.monotonic() < until, "Runs of the cancelled backfill have not ended."
            time.sleep(0.2)
