"""Many at once: starters, sweepers, loads that lock each other out, writers that take long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from django.db import connection

from lineage.models import Attempt, PipelineRun, Step
from medallion.execution.claim import claim_step
from tests.faults.conftest import Measure
from tests.faults.site import ROOT, Site, send, wait_until
from tests.faults.storm import open_connection
from tests.faults.works import Works

PROCESSES, THREADS, STEPS = 4, 5, 20

# Each thread waits for the row `go`, and then acts.
_CROWD = """
import django; django.setup()
import threading, time
from django.db import connection
said, acts = [], []
def when_all_are_there(act):
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM dwh_staging.counters WHERE name = 'go'")
            if cursor.fetchone()[0]:
                break
            time.sleep(0.005)
    act()
    connection.close()
{acts}
threads = [threading.Thread(target=when_all_are_there, args=(act,)) for act in acts]
print("ready", flush=True)
for thread in threads: thread.start()
for thread in threads: thread.join()
print("\\n".join(said))
"""
_CLAIM = f"""
from lineage.models import Step
from medallion.execution.claim import claim_step
def claim():
    for step in Step.objects.order_by("pk"):
        if claim_step(step.pk): said.append(str(step.pk))
acts = [claim] * {THREADS}
"""
_START_AND_SWEEP = f"""
from medallion.execution.create import create_run
from medallion.execution.errors import RunIsLive
from medallion.execution.sweep import sweep
from medallion.pipelines import Pipeline
from medallion.registry import warehouse
warehouse().pipelines["crowded"] = type("C", (Pipeline,), {{"name": "crowded", "targets": ["silver.crowded"]}})
def start():
    try:
        said.append(f"made {{create_run('crowded', here=True).pk}}")
    except RunIsLive as error:
        said.append(f"live {{error.run_id}}")
def clean():
    for _ in range(5): sweep()
acts = [start] * {THREADS} + [clean] * 2
"""


def crowd(site: Site, works: Works, acts: str) -> list[str]:
    """What the threads of PROCESSES processes said, all of which act at one moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _CROWD.replace("{acts}", acts)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env=site.environment(DJANGO_SETTINGS_MODULE="assay.settings"),
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    works.execute("INSERT INTO dwh_staging.counters VALUES ('go', 1)")
    return [line for process in processes for line in process.communicate(timeout=120)[0].splitlines() if line]


def test_of_twenty_claimers_of_a_step_one_gets_it(site: Site, works: Works, measure: Measure) -> None:
    for number in range(STEPS):
        works.chain(f"wanted{number}")
        works.run(f"wanted{number}")
    said = crowd(site, works, _CLAIM)
    assert sorted(map(int, said)) == sorted(Step.objects.values_list("pk", flat=True))
    assert set(Step.objects.values_list("token", flat=True)) == {1}
    measure(f"{PROCESSES * THREADS} claimers of each of {STEPS} steps", "each claimed once")


def test_of_twenty_starters_one_makes_a_run_and_of_eight_sweepers_one_takes_each_lost_step(
    site: Site, works: Works, measure: Measure
) -> None:
    works.chain("crowded")
    for number in range(STEPS):
        works.chain(f"dead{number}")
        step = Step.objects.get(run=works.run(f"dead{number}"))
        assert claim_step(step.pk, worker="dead", lease_seconds=0)
    said = crowd(site, works, _START_AND_SWEEP)
    (run,) = PipelineRun.objects.filter(pipeline_name="crowded")
    assert sorted(said) == [f"live {run.pk}"] * (PROCESSES * THREADS - 1) + [f"made {run.pk}"]
    measure(f"{len(said)} starters of one pipeline in {PROCESSES} processes", "1 run")
    dead = Step.objects.exclude(run=run)
    assert set(dead.values_list("state", "lost")) == {("retrying", 1)}
    assert Attempt.objects.filter(outcome="lost").count() == STEPS
    measure(f"{STEPS} lost steps, {2 * PROCESSES} sweepers", "each found once")


# Stands still by itself in the middle of a sweep, which holds the sweepers' lock and those of all live runs.
_STANDS_STILL = """
import django; django.setup()
import os, signal
from medallion.execution import sweep
sweep._settle = lambda runs: os.kill(os.getpid(), signal.SIGSTOP)
sweep.sweep()
"""


def test_a_sweeper_that_stands_still_holds_nobody_up_for_long(site: Site, works: Works, measure: Measure) -> None:
    works.pipeline("held", {"bronze.h": [], "silver.h": ["bronze.h"], "gold.h": ["silver.h"]}, ledger=False)
    run = works.run("held")
    frozen = subprocess.Popen(
        [sys.executable, "-c", _STANDS_STILL], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        env=site.environment(DJANGO_SETTINGS_MODULE="assay.settings"),
    )  # fmt: skip
    try:
        os.waitpid(frozen.pid, os.WUNTRACED)
        began = time.monotonic()
        site.beat("beat")
        site.worker("worker", 2)
        wait_until(lambda: PipelineRun.objects.get(pk=run.pk).status == "completed", 90)
        measure("a sweeper stands still: a run beside it takes", f"{time.monotonic() - began:.0f} s")
    finally:
        send(signal.SIGCONT, frozen.pid)
        _, said = frozen.communicate(timeout=30)
    assert "idle-in-transaction timeout" in said
    assert works.verdict().faults == {}


def test_pipelines_that_lock_each_other_out_both_succeed(site: Site, works: Works, measure: Measure) -> None:
    """Two loads that take two rows in opposite orders, again and again."""
    rounds = 3
    works.execute("INSERT INTO dwh_staging.counters VALUES ('x', 0), ('y', 0)")
    for name, order in (("forth", "xy"), ("back", "yx")):
        one, two = (f"UPDATE dwh_staging.counters SET n = n + 1 WHERE name = '{row}';" for row in order)
        works.load(works.chain(name), f"{one} PERFORM pg_sleep(1.5); {two}")
    site.worker("worker", 2)
    site.beat("beat")
    wait_until(lambda: "ready." in site.log("worker"), 60)
    for _ in range(rounds):
        for name in ("forth", "back"):
            works.run(name)
        wait_until(lambda: not PipelineRun.objects.exclude(status="completed").exists(), 120)
    deadlocks = Attempt.objects.filter(sqlstate="40P01").count()
    measure("deadlocks between two pipelines", f"{deadlocks}, all tried again; {works.ends()}")
    assert deadlocks > 0
    assert works.scalar("SELECT array_agg(n) FROM dwh_staging.counters") == [2 * rounds, 2 * rounds]
    assert works.verdict().faults == {}


def test_what_a_writer_commits_late_is_taken_by_the_next_load(site: Site, works: Works, measure: Measure) -> None:
    """Writers hold ingestions open from before the first run until after the last; batches beside them have later
    numbers and are loaded long before."""
    source, target = "bronze.late", "silver.late"
    works.pipeline("late", {source: [], target: [source]})
    site.worker("worker", 2)
    site.beat("beat")
    batch = "SELECT dwh_lineage.close_batch(dwh_lineage.open_batch(%s, 'foreign'), 3, 3)"
    slow = [open_connection() for _ in range(4)]
    for writer in slow:
        writer.execute("BEGIN")
        writer.execute(batch, (source,))
    runs = 0
    while slow:
        with connection.cursor() as cursor:
            cursor.execute(batch, [source])
        run = works.run("late")
        runs += 1
        wait_until(lambda run=run: PipelineRun.objects.get(pk=run.pk).status == "completed", 90)
        writer = slow.pop()
        writer.execute("ROLLBACK" if len(slow) == 1 else "COMMIT")
        writer.close()
    last = works.run("late")
    wait_until(lambda: PipelineRun.objects.get(pk=last.pk).status == "completed", 90)
    found = works.verdict()
    measure(
        "ingestions open across runs", f"{found.batches_lost} lost, {found.batches_doubled} doubled of {found.batches}"
    )
    assert found.batches == 3 + runs
    assert found.faults == {}


def test_a_load_that_exceeds_the_statement_timeout_fails_and_says_so(
    site: Site, works: Works, measure: Measure
) -> None:
    works.pace(works.chain("slow"), 60)
    step = Step.objects.get(run=works.run("slow"))
    subprocess.run(
        [sys.executable, "-c",
         "import django; django.setup()\n"
         "from medallion.execution import perform, work\n"
         "work.TIMEOUTS['statement_timeout'] = 1.0\n"
         f"perform.perform_step({step.pk})"],
        env=site.environment(DJANGO_SETTINGS_MODULE="assay.settings"), cwd=ROOT, check=True, timeout=60,
    )  # fmt: skip
    step.refresh_from_db()
    assert (step.state, step.error_sqlstate) == ("failed", "57014")
    assert "statement timeout" in str(step.error_message)
    assert step.error_hint is not None
    measure("a load beyond the statement timeout", f"{works.ends()}")
    assert works.verdict().faults == {}
