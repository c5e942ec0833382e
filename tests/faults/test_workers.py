"""What becomes of steps whose worker dies, stands still, or loses its heartbeat."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db.models.functions import Now

from lineage.models import Attempt, Lease, PipelineRun, Step
from medallion.execution.heartbeat import BEAT_SECONDS
from medallion.execution.perform import perform_step
from medallion.execution.work import Outcome
from tests.faults.conftest import Measure
from tests.faults.site import ROOT, Part, Site, insist, send, wait_until
from tests.faults.storm import open_connection
from tests.faults.works import Works

TAKEN_OVER = 40.0  # seconds, and the time in the queue
LEASE = 30.0


def begin(site: Site, works: Works, name: str, work: float, pause: float = 0.0) -> tuple[Step, Part]:
    """A run of one step, which a worker of its own (one process) has begun to work at."""
    works.pace(works.chain(name), work, pause)
    before = site.asleep()
    worker = site.worker(f"of_{name}", 1)
    wait_until(lambda: "ready." in site.log(worker.name), 60)
    step = Step.objects.get(run=works.run(name))
    wait_until(lambda: site.asleep() > before, 60)
    return step, worker


def outcomes(step: Step) -> list[str | None]:
    return insist(lambda: list(Attempt.objects.filter(step=step).order_by("token").values_list("outcome", flat=True)))


def status_of(step: Step) -> str:
    return insist(lambda: PipelineRun.objects.values_list("status", flat=True).get(pk=step.run_id))


def test_a_dead_worker_is_found_and_a_frozen_one_cannot_write(site: Site, works: Works, measure: Measure) -> None:
    """Three at once: one is killed with its group, one stands still in its load, one stands still during COMMIT."""
    killed, its_worker = begin(site, works, "killed", 600)
    frozen, zombie = begin(site, works, "frozen", 25)
    done, committing = begin(site, works, "done", 0, pause=25)
    for name in ("killed", "frozen"):
        works.pace(f"silver.{name}", 0)  # what takes over is quick
    leased_until = Lease.objects.get(step=killed).until
    wait_until(lambda: Lease.objects.get(step=killed).until > leased_until, 30)
    assert site.asleep() == 3
    its_worker.kill()  # just after a heartbeat: nobody can know for a whole lease
    zombie.signal_group(signal.SIGSTOP)
    committing.signal_group(signal.SIGSTOP)
    struck = time.monotonic()
    site.beat("beat")
    site.worker("other", 2)

    for step, limit in ((killed, TAKEN_OVER), (frozen, TAKEN_OVER + 60)):
        wait_until(lambda step=step: len(outcomes(step)) == 2, 2 * limit)
    second = insist(lambda: {a.step_id: a.started_at for a in Attempt.objects.filter(token=2)})
    first = insist(lambda: {a.step_id: a.ended_at for a in Attempt.objects.filter(token=1)})
    late = (second[killed.pk] - first[killed.pk]).total_seconds()
    wait_until(lambda: status_of(killed) == "completed", 60)
    took = time.monotonic() - struck
    measure("a worker killed with its group: step done by another after", f"{took:.1f} s ({late:.1f} s in the queue)")
    assert outcomes(killed) == ["lost", "succeeded"]
    assert took <= TAKEN_OVER + max(late, 1.0)

    wait_until(lambda: status_of(done) == "completed", 90)
    wait_until(lambda: status_of(frozen) == "completed", 120)
    time.sleep(max(0.0, 1.5 * LEASE - (time.monotonic() - struck)))
    zombie.signal_group(signal.SIGCONT)
    committing.signal_group(signal.SIGCONT)
    wait_until(lambda: "fenced" in site.log(zombie.name), 30)
    assert outcomes(frozen) == ["lost", "succeeded"]
    assert outcomes(done) == ["succeeded"]
    found = works.verdict()
    measure("workers frozen beyond their lease", f"{found.stale + found.doubled} stale commits")
    assert found.faults == {}


# Stands still by itself between its claim and its load: a load that begins late has a snapshot in which all is over.
_STOPS = """
import django; django.setup()
import os, signal
from medallion.execution import perform
work_at = perform.work_at
def work_late(*args):
    os.kill(os.getpid(), signal.SIGSTOP)
    return work_at(*args)
perform.work_at = work_late
print(perform.perform_step({step}, lease_seconds=1)[0])
"""


def test_a_worker_that_was_frozen_before_its_load_cannot_write(site: Site, works: Works, measure: Measure) -> None:
    works.chain("early")
    step = Step.objects.get(run=works.run("early"))
    zombie = subprocess.Popen(
        [sys.executable, "-c", _STOPS.format(step=step.pk)], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        env=site.environment(DJANGO_SETTINGS_MODULE="assay.settings"),
    )  # fmt: skip
    wait_until(lambda: Lease.objects.filter(step=step, until__lt=Now()).exists(), 60)
    assert perform_step(step.pk, worker="second") == (Outcome.SUCCEEDED, [])
    wait_until(lambda: os.waitpid(zombie.pid, os.WUNTRACED | os.WNOHANG)[0], 60)
    send(signal.SIGCONT, zombie.pid)
    said, _ = zombie.communicate(timeout=60)
    measure("a worker frozen between its claim and its load", said.strip())
    assert said == "fenced\n"
    assert outcomes(step) == ["lost", "succeeded"]
    assert works.verdict().faults == {}


def test_a_lease_outlives_its_heartbeats_connection(site: Site, works: Works, measure: Measure) -> None:
    seconds = LEASE + 8
    step, _ = begin(site, works, "beating", seconds)
    site.beat("beat")
    ended = 0
    while status_of(step) == "running":
        found = site.backends("assay heartbeat")
        site.tell_backends("pg_terminate_backend", found)
        ended += len(found)
        time.sleep(BEAT_SECONDS / 4)
    measure(f"heartbeats' backends terminated in a load of {seconds:.0f} s", f"{ended}; the lease stood")
    assert ended >= 2
    assert outcomes(step) == ["succeeded"]
    assert works.verdict().faults == {}


def test_a_step_rung_for_fifty_times_at_once_is_worked_at_once(site: Site, works: Works, measure: Measure) -> None:
    works.pace(works.chain("loud"), 0.5)
    for name in ("one", "two"):
        site.worker(name, 3)
        wait_until(lambda name=name: "ready." in site.log(name), 60)
    step = Step.objects.get(run=works.run("loud"))
    site.ring([step.pk] * 50)
    wait_until(lambda: status_of(step) == "completed", 60)
    wait_until(lambda: not site.redis.llen("celery"), 60)
    measure("one step rung for 51 times", f"{len(outcomes(step))} attempt")
    assert outcomes(step) == ["succeeded"]
    assert works.verdict().faults == {}


def test_a_worker_that_is_busy_leaves_steps_to_one_that_is_not(site: Site, works: Works, measure: Measure) -> None:
    """A message that waits in a busy worker would wait for the sweeper's next ring, half a minute."""
    begin(site, works, "long", 300)
    site.worker("free", 1)
    wait_until(lambda: "ready." in site.log("free"), 60)
    waited = 0.0
    for number in range(4):
        works.chain(f"short{number}")
        run = works.run(f"short{number}")
        began = time.monotonic()
        wait_until(lambda run=run: Step.objects.get(run=run).state == "succeeded", 60)
        waited = max(waited, time.monotonic() - began)
    measure("a step beside a worker that is busy, and no sweeper, waits", f"{waited:.2f} s at most")
    assert waited < 5


def test_a_worker_that_is_told_to_stop_gives_back_what_it_cannot_end(
    site: Site, works: Works, measure: Measure
) -> None:
    """SIGTERM: 20 seconds for what it works at; then another worker goes on, without waiting for the lease."""
    step, worker = begin(site, works, "stopped", 600)
    works.pace("silver.stopped", 0)
    site.beat("beat")
    site.worker("other", 1)
    began = time.monotonic()
    send(signal.SIGTERM, worker.pid)
    wait_until(lambda: status_of(step) == "completed", 120)
    measure(
        "a worker told to stop (SIGTERM) in a long load: done by another after", f"{time.monotonic() - began:.0f} s"
    )
    assert outcomes(step) == ["lost", "succeeded"]
    assert works.verdict().faults == {}


def test_a_run_of_sql_alone_whose_session_ends_is_carried_on_by_a_worker(
    site: Site, works: Works, measure: Measure
) -> None:
    """The session has no heartbeat: its transaction's lock is its lease, and goes with it."""
    works.pipeline("by_sql", {"bronze.s": [], "silver.s": ["bronze.s"], "gold.s": ["silver.s"]}, ledger=False)
    works.execute("INSERT INTO dwh_lineage.pipelines (name, targets) VALUES ('by_sql', ARRAY['gold.s'])")
    works.pace("gold.s", 600)
    with open_connection() as session, ThreadPoolExecutor(1) as beside:
        called = beside.submit(session.execute, "CALL dwh_etl.run_pipeline('by_sql')")
        wait_until(lambda: site.asleep() == 1, 60)
        works.pace("gold.s", 0)
        site.beat("beat")
        site.worker("worker", 1)
        began = time.monotonic()
        site.tell_backends("pg_terminate_backend", [session.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            called.result()
    steps = {step.target: step for step in Step.objects.all()}
    wait_until(lambda: status_of(steps["gold.s"]) == "completed", 120)
    measure("a run of SQL alone, its session ended: done by a worker after", f"{time.monotonic() - began:.0f} s")
    assert outcomes(steps["silver.s"]) == ["succeeded"]
    assert outcomes(steps["gold.s"]) == ["lost", "succeeded"]
    assert works.verdict().faults == {}
