"""A site for each process of xdist, and the table of what was measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

if TYPE_CHECKING:
    from tests.faults.site import Site
    from tests.faults.works import Works

Measure = Callable[[str, str], None]
_MEASURED = "measured"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults/" in item.nodeid:
            item.add_marker("faults")
    items.sort(key=lambda item: "test_storm" not in item.nodeid)  # the longest first, beside all others


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """Durable servers of our own, migrated; Django in this process uses them, too."""
    from django.core.management import call_command

    from assay import database_url, embedded
    from tests.faults.site import Site

    version = int(os.environ.get("PG") or "18")
    folder = tmp_path_factory.mktemp("site")
    entry = connections["default"].settings_dict
    before = dict(entry)
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setenv("ASSAY_VAR", str(folder / "var"))
        site = Site(embedded.start("default", version), folder)
        connections["default"].close()
        entry.update(database_url.parse(site.servers.database_url))
        try:
            call_command("migrate", verbosity=0)
            with site.superuser() as server:
                server.execute("CHECKPOINT")  # lest each restart replays the migrations
            yield site
        finally:
            connections["default"].close()
            entry.clear()
            entry.update(before)
            embedded.remove("default", version)


@pytest.fixture
def site(servers: Site, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The servers with no part running yet; whatever a test starts ends with it, and after a failure shows its log."""
    monkeypatch.setattr("medallion.execution.doorbell.ring", servers.ring)
    servers.flush_redis()
    yield servers
    names = [part.name for part in servers.parts]
    servers.end_parts()
    for name in names:
        print(f"--- {name}\n{servers.log(name)[-6000:]}")
        (servers.folder / f"{name}.log").unlink()


@pytest.fixture
def works(site: Site, monkeypatch: pytest.MonkeyPatch) -> Works:
    """A warehouse whose effects can be counted; empty."""
    from tests.faults.works import Works

    return Works(monkeypatch)


@pytest.fixture
def measure(record_property: Callable[[str, object], None]) -> Measure:
    """measure(what, figure): a line of the table at the end."""
    return lambda what, figure: record_property(_MEASURED, (what, figure))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == _MEASURED and getattr(report, "when", "") == "call"
    ]
    if lines:
        terminalreporter.section("what was measured")
        width = max(len(what) for what, _ in lines)
        for what, figure in lines:
            terminalreporter.write_line(f"{what:<{width}}  {figure}")
