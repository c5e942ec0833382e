"""Limits of runs: how long they and their loads may take, and how many loads of a pool run at once."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from lineage.models import Attempt, PipelineRun, Pool, Step, Target
from medallion.execution.claim import claim_step
from medallion.execution.create import create_run
from medallion.execution.intervene import resume_run
from medallion.execution.outcome import record
from medallion.execution.perform import perform_step, run_here
from medallion.execution.sweep import sweep
from medallion.execution.work import Outcome, Verdict
from medallion.pipelines import Pipeline
from medallion.registry import warehouse
from medallion.tasks import run_step
from tests.medallion.execution.small_house import Daily, House, wait_until


def limited(monkeypatch: pytest.MonkeyPatch, **limits: timedelta) -> PipelineRun:
    """A run of `daily` with limits."""
    for name, limit in limits.items():
        monkeypatch.setattr(Daily, name, limit)
    return create_run("daily")


def test_a_load_that_takes_too_long_is_stopped_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.load("silver.a", "PERFORM pg_sleep(20);")
    run = limited(monkeypatch, step_time_limit=timedelta(seconds=0.5))
    assert run_here(run) == "failed"
    step = Step.objects.get(run=run, target="silver.a")
    assert (step.state, step.error_sqlstate) == ("failed", "57014")
    assert step.error_message == "It reached its time limit of 0:00:00.500000."
    assert "step_time_limit" in (step.error_hint or "")
    assert house.outcomes(step) == ["failed"]


def test_a_run_that_takes_too_long_fails_and_what_waited_says_why(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(0.7);")
    run = limited(monkeypatch, time_limit=timedelta(seconds=1))
    perform_step(Step.objects.get(run=run, target="silver.a").pk)
    time.sleep(0.5)
    assert perform_step(Step.objects.get(run=run, target="silver.b").pk) is None
    sweep()
    run.refresh_from_db()
    assert run.status == "failed"
    assert "time limit of 00:00:01" in (run.error_message or "")
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "cancelled", "gold.c": "cancelled"}

    assert run_here(resume_run(run.pk, here=True)) == "completed"  # its time begins anew


def test_a_load_has_no_more_time_than_its_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.load("silver.b", "PERFORM pg_sleep(20);")
    assert run_here(limited(monkeypatch, time_limit=timedelta(seconds=1))) == "failed"
    assert Step.objects.get(target="silver.b").error_sqlstate == "57014"


def test_a_load_of_a_session_that_takes_too_long_is_stopped_by_the_sweeper(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medallion.installing import install_pipelines

    house.load("silver.a", "PERFORM pg_sleep(20);")
    monkeypatch.setattr(Daily, "step_time_limit", timedelta(seconds=0.5))
    install_pipelines()

    def call() -> None:
        with pytest.raises(Exception, match="failed"), connection.cursor() as cursor:
            cursor.execute("CALL dwh_etl.run_pipeline('daily')")
        connection.close()

    caller = threading.Thread(target=call)
    caller.start()
    wait_until(Step.objects.filter(target="silver.a", state="running").exists)
    time.sleep(0.7)
    sweep()
    caller.join(10)
    assert PipelineRun.objects.get().status == "failed"
    assert "time limit" in (Step.objects.get(target="silver.a").error_hint or "")


class Wide(Pipeline):
    """Six tables that need nothing of each other."""

    targets = [f"silver.w{n}" for n in range(6)]


@pytest.fixture
def wide(house: House, monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """Six steps in a pool of two slots."""
    pool = Pool.objects.create(name="heavy", slots=2)
    for target in Wide.targets:
        house.table(target, "bronze.feed")
    Target.objects.filter(target__in=Wide.targets).update(pool=pool)
    monkeypatch.setitem(warehouse().pipelines, "wide", Wide)
    return list(Step.objects.filter(run=create_run("wide")))


def test_no_more_loads_of_a_pool_run_than_it_has_slots(wide: list[Step]) -> None:
    claims: list[Any] = []
    gate = threading.Barrier(len(wide))

    def claim(step: Step) -> None:
        gate.wait()
        claims.append(claim_step(step.pk))
        connections.close_all()

    claimers = [threading.Thread(target=claim, args=(step,)) for step in wide]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join()
    assert sum(claimed is not None for claimed in claims) == 2


def test_a_slot_that_becomes_free_calls_the_next(
    house: House, wide: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr("medallion.execution.outcome.ring", rung.extend)
    claims = [claim_step(step.pk) for step in wide]
    assert [claimed is not None for claimed in claims] == [True, True, False, False, False, False]
    assert claims[0] is not None
    record(claims[0], Verdict(Outcome.CANCELLED))
    assert rung == [wide[2].pk]
    assert claim_step(wide[2].pk) is not None


def test_a_lost_worker_gives_its_slot_back(house: House, wide: list[Step]) -> None:
    assert [claim_step(step.pk) is not None for step in wide[:3]] == [True, True, False]
    house.expire_lease(wide[0].pk)
    sweep()
    assert claim_step(wide[2].pk) is not None


def test_a_session_waits_for_a_slot_too(house: House, wide: list[Step]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CALL dwh_etl.run_pipeline_by_dependencies('silver.w0')")
    assert not Attempt.objects.exclude(outcome="succeeded").exists()


def test_a_doorbell_rings_in_the_queue_of_the_pool(
    house: House, wide: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    from medallion.execution import doorbell

    monkeypatch.undo()  # the house's silence
    rung: list[tuple[int, str | None]] = []

    def sent(step: tuple[int], queue: str | None, **options: object) -> None:
        rung.append((step[0], queue))

    monkeypatch.setattr(run_step, "apply_async", sent)
    Pool.objects.update(queue="large")
    Target.objects.filter(target="silver.w1").update(pool=None)
    doorbell.ring([wide[0].pk, wide[1].pk])
    assert rung == [(wide[0].pk, "large"), (wide[1].pk, None)]
