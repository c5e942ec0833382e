"""Redis is disposable: it may be killed, forget everything, or hang."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from lineage.models import PipelineRun, Step
from tests.faults.conftest import Measure
from tests.faults.site import ROOT, Site, send, wait_until
from tests.faults.works import Works

_RING = """
import django; django.setup()
import time
from medallion.execution.doorbell import ring
began = time.monotonic()
ring([{step}] * 100)
print(round(time.monotonic() - began, 1))
"""


@pytest.mark.parametrize("fault", ["flush_redis", "kill_redis"])
def test_what_redis_forgets_is_rung_for_again(site: Site, works: Works, measure: Measure, fault: str) -> None:
    """No worker is there when the doorbells are lost, so nothing but the sweeper can bring them back."""
    names = [f"quiet{number}" for number in range(10)]
    for name in names:
        works.chain(name)
        works.run(name)
    getattr(site, fault)()
    wait_until(lambda: site.redis.ping() and not site.redis.llen("celery"), 30)
    site.beat("beat")
    site.worker("worker", 2)
    began = time.monotonic()
    wait_until(lambda: not PipelineRun.objects.exclude(status="completed").exists(), 120)
    measure(f"{fault.replace('_', ' ')}: 10 doorbells lost, all steps done after", f"{time.monotonic() - began:.0f} s")
    assert works.verdict().faults == {}


def test_a_redis_that_hangs_holds_nobody_up(site: Site, works: Works, measure: Measure) -> None:
    """It takes connections and does not answer: who rings gives up, a step that ends is recorded, and all goes on
    when Redis does."""
    works.pipeline("chain", {"bronze.x": [], "silver.x": ["bronze.x"], "gold.x": ["silver.x"]}, ledger=False)
    works.pace("silver.x", 3)
    site.beat("beat")
    site.worker("worker", 2)
    wait_until(lambda: "ready." in site.log("worker"), 60)
    with site.redis as client:
        server = int(client.info("server")["process_id"])
    run = works.run("chain")
    wait_until(lambda: site.asleep() == 1, 60)
    send(signal.SIGSTOP, server)
    try:
        rung = subprocess.run(
            [sys.executable, "-c", _RING.format(step=run.steps.first().pk)],
            cwd=ROOT, text=True, capture_output=True, timeout=60,
            env=site.environment(DJANGO_SETTINGS_MODULE="assay.settings"), check=True,
        )  # fmt: skip
        measure("Redis hangs: who rings for 100 steps is held up for", f"{rung.stdout.strip()} s")
        assert "Redis does not answer" in rung.stderr
        wait_until(lambda: Step.objects.get(target="silver.x").state == "succeeded", 20)
    finally:
        send(signal.SIGCONT, server)
    wait_until(lambda: PipelineRun.objects.get(pk=run.pk).status == "completed", 90)
    assert works.verdict().faults == {}
