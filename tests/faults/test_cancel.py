"""A run that is cancelled ends within 15 seconds, whatever becomes of the worker or of the server."""

from __future__ import annotations

import signal
import time

import pytest

from medallion.execution.intervene import cancel_run
from tests.faults.conftest import Measure
from tests.faults.site import Site, insist, send, wait_until
from tests.faults.test_workers import begin, outcomes, status_of
from tests.faults.works import Works

CANCELLED = 15.0  # seconds


def test_a_cancelled_run_ends_in_15_seconds_whatever_becomes_of_its_worker(
    site: Site, works: Works, measure: Measure
) -> None:
    """Four at once, of 600 seconds each: its worker lives, is told to stop, is killed, stands still."""
    fates = ("lives", "stops", "dies", "freezes")
    begun = {fate: begin(site, works, fate, 600) for fate in fates}
    site.beat("beat")
    site.worker("other", 1)
    wait_until(lambda: "ready." in site.log("other"), 60)
    for step, _ in begun.values():
        cancel_run(step.run_id)
    struck = time.monotonic()
    send(signal.SIGTERM, begun["stops"][1].pid)
    begun["dies"][1].kill()
    begun["freezes"][1].signal_group(signal.SIGSTOP)

    took: dict[str, float] = {}
    while len(took) < len(fates) and time.monotonic() - struck < 60:
        for fate, (step, _) in begun.items():
            if fate not in took and status_of(step) == "cancelled":
                took[fate] = time.monotonic() - struck
        time.sleep(0.05)
    for fate in fates:
        measure(f"cancel, its worker {fate}", f"{took.get(fate, float('inf')):.1f} s")
    begun["freezes"][1].signal_group(signal.SIGCONT)
    assert set(took) == set(fates)
    assert max(took.values()) <= CANCELLED
    assert outcomes(begun["lives"][0]) == ["cancelled"]
    wait_until(lambda: works.verdict().attempts_open == 0, 60)
    assert works.verdict().faults == {}


@pytest.mark.parametrize("order", ["cancel, then restart", "restart, then cancel"])
def test_a_cancelled_run_ends_in_15_seconds_across_a_restart_of_the_server(
    site: Site, works: Works, measure: Measure, order: str
) -> None:
    step, _ = begin(site, works, "interrupted", 600)
    site.beat("beat")
    acts = [lambda: cancel_run(step.run_id), site.restart_postgres]
    for act in acts if order.startswith("cancel") else reversed(acts):
        insist(act)
    away = wait_until(lambda: site.asleep() == 0, 60)
    took = away + wait_until(lambda: status_of(step) == "cancelled", 60)
    measure(f"{order} of PostgreSQL", f"{took:.1f} s, for {away:.1f} s of which it was away")
    assert took - away <= CANCELLED
    assert works.verdict().faults == {}
