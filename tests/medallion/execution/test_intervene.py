from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from lineage.connections import work_connection
from lineage.models import Attempt, Lease, PipelineRun, Step, Target
from medallion.execution.claim import claim_step
from medallion.execution.create import create_run
from medallion.execution.errors import RunIsLive, RunRefused
from medallion.execution.heartbeat import BEAT_SECONDS, Heartbeat
from medallion.execution.intervene import cancel_run, continue_run, resume_run
from medallion.execution.perform import perform_step, run_here
from medallion.execution.sweep import sweep
from medallion.execution.work import Outcome
from tests.medallion.execution.small_house import House


def test_a_run_that_waits_is_cancelled_at_once(house: House, run: PipelineRun) -> None:
    assert cancel_run(run.pk).status == "cancelled"
    assert set(house.states(run).values()) == {"cancelled"}
    assert house.effects("silver.a") == 0
    create_run("daily")  # the way is free


def test_a_long_load_is_cancelled_and_leaves_nothing(house: House, run: PipelineRun, first_step: Step) -> None:
    house.load("silver.a", "INSERT INTO dwh_staging.effects VALUES ('silver.a'); PERFORM pg_sleep(60);")

    def cancel_soon() -> None:
        time.sleep(0.5)
        assert cancel_run(run.pk).status == "cancelling"
        assert cancel_run(run.pk).status == "cancelling"
        connection.close()

    beside = threading.Thread(target=cancel_soon)
    beside.start()
    began = time.monotonic()
    performed = perform_step(first_step.pk, beat_seconds=0.3)
    beside.join()
    assert time.monotonic() - began < 5
    assert performed is not None
    assert performed[0] == Outcome.CANCELLED
    assert house.outcomes(first_step) == ["cancelled"]
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert house.effects("silver.a") == 0


def test_a_cancelled_step_whose_worker_died_ends(house: House, run: PipelineRun, first_step: Step) -> None:
    claim_step(first_step.pk)
    cancel_run(run.pk)
    house.expire_lease(first_step.pk)
    assert claim_step(first_step.pk) is None
    sweep()
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert house.outcomes(first_step) == ["lost"]


def test_nobody_waits_for_a_whole_lease_of_what_is_cancelled(house: House, run: PipelineRun, first_step: Step) -> None:
    """The worker may be dead: one heartbeat for it to see the flag, 2 seconds for it to stop."""

    def seconds_left() -> float:
        return (Lease.objects.get(step=first_step).until - timezone.now()).total_seconds()

    claim = claim_step(first_step.pk)
    assert claim is not None
    assert seconds_left() > 20
    cancel_run(run.pk)
    assert seconds_left() <= BEAT_SECONDS
    with work_connection() as work, work_connection() as own:
        own.execute("RESET ROLE")
        heart = Heartbeat(claim, work)
        heart.beat(own)
    assert heart.cancelled
    assert seconds_left() <= 2


def test_what_has_ended_cannot_be_cancelled(house: House, run: PipelineRun) -> None:
    run_here(run)
    with pytest.raises(RunRefused, match="has ended: completed"):
        cancel_run(run.pk)
    with pytest.raises(RunRefused, match="no run 999"):
        cancel_run(999)


def test_a_resumed_run_does_only_what_had_not_succeeded(house: House, run: PipelineRun) -> None:
    house.load("silver.b", "PERFORM 'abc'::integer;")
    assert run_here(run) == "failed"
    house.load("silver.b")
    Target.objects.filter(target="silver.b").update(contract={"repaired": True})

    resumed = resume_run(run.pk)
    assert resumed.pk == run.pk
    assert len(resumed.code_version.split()) == 2
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "queued", "gold.c": "blocked"}
    assert run_here(resumed) == "completed"
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 1, 1]
    assert Attempt.objects.filter(step__run=run).count() == 4


def test_a_run_that_has_not_failed_cannot_be_resumed(house: House, run: PipelineRun) -> None:
    with pytest.raises(RunRefused, match="is pending"):
        resume_run(run.pk)
    assert continue_run(run.pk).pk == run.pk


def test_a_failed_run_is_not_resumed_beside_a_live_one(house: House, run: PipelineRun) -> None:
    house.load("silver.a", "PERFORM 1/0;")
    run_here(run)
    newer = create_run("daily")
    with pytest.raises(RunIsLive, match=f"run {newer.pk}"):
        resume_run(run.pk)
    assert house.states(run)["silver.a"] == "failed"


def test_a_load_goes_on_while_its_run_is_being_cancelled(house: House, run: PipelineRun, first_step: Step) -> None:
    """The run's row changes under a load that refers to it: no reason for a conflict."""
    house.load("silver.a", "PERFORM pg_sleep(0.5);")

    def cancel_soon() -> None:
        time.sleep(0.2)
        cancel_run(run.pk)
        connection.close()

    beside = threading.Thread(target=cancel_soon)
    beside.start()
    performed = perform_step(first_step.pk)
    beside.join()
    assert performed is not None
    assert performed[0] == Outcome.SUCCEEDED
    assert Step.objects.get(pk=first_step.pk).batch is not None
    run.refresh_from_db()
    assert run.status == "cancelled"
