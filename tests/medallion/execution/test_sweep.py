from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from lineage.models import Attempt, Lease, PipelineRun, Step, Tick
from lineage.ticks import since_tick
from medallion.execution import doorbell
from medallion.execution.claim import MAX_LOST, claim_step
from medallion.execution.perform import perform_step, run_here
from medallion.execution.sweep import sweep
from medallion.execution.work import work_at
from tests.medallion.execution.small_house import House, wait_until

SWEEP_KEY = 0x5357454550


def test_a_lease_that_ended_makes_the_step_claimable_again(house: House, run: PipelineRun, first_step: Step) -> None:
    claim_step(first_step.pk)
    sweep()
    assert house.states(run)["silver.a"] == "running"
    house.expire_lease(first_step.pk)
    assert sweep() == 1
    assert house.states(run)["silver.a"] == "retrying"
    assert house.outcomes(first_step) == ["lost"]
    assert run_here(run) == "completed"


def test_a_step_without_a_lease_counts_as_lost(house: House, run: PipelineRun, first_step: Step) -> None:
    claim_step(first_step.pk)
    Lease.objects.all().delete()
    sweep()
    assert house.outcomes(first_step) == ["lost"]
    assert house.states(run)["silver.a"] == "retrying"


def test_a_step_that_kills_its_workers_stops(house: House, run: PipelineRun, first_step: Step) -> None:
    for _ in range(MAX_LOST):
        assert claim_step(first_step.pk) is not None
        house.expire_lease(first_step.pk)
        sweep()
    assert claim_step(first_step.pk) is None
    assert house.states(run) == {"silver.a": "failed", "silver.b": "upstream_failed", "gold.c": "upstream_failed"}
    run.refresh_from_db()
    assert run.status == "failed"
    assert "vanished (3 of 3 times)" in (run.error_message or "")
    assert house.outcomes(first_step) == ["lost"] * MAX_LOST


def test_a_worker_that_dies_after_its_commit_leaves_no_loose_ends(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    claim = claim_step(first_step.pk)
    assert claim is not None
    work_at(claim)  # and nobody records it
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "blocked", "gold.c": "blocked"}
    house.expire_lease(first_step.pk)
    sweep()
    assert house.outcomes(first_step) == ["succeeded"]
    assert house.states(run)["silver.b"] == "queued"
    assert not Lease.objects.exists()


def test_a_due_step_is_rung_for_again_but_not_at_every_sweep(
    house: House, run: PipelineRun, first_step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "ring", rung.extend)
    sweep()
    sweep()
    assert rung == [first_step.pk]
    assert claim_step(first_step.pk) is not None  # it may be claimed all the same


def test_only_one_sweep_at_a_time(house: House, run: PipelineRun) -> None:
    swept: list[int] = []

    def beside() -> None:
        swept.append(sweep())
        connection.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SWEEP_KEY])
        other = threading.Thread(target=beside)
        other.start()
        other.join()
        cursor.execute("SELECT pg_advisory_unlock(%s)", [SWEEP_KEY])
    assert swept == [0]
    assert sweep() == 1


def test_a_sweeper_that_stands_still_gives_its_locks_back(
    house: House, run: PipelineRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineage.connections.SILENT_SECONDS", 0.3)
    stands_still, goes_on = threading.Event(), threading.Event()

    def settle(runs: list[int]) -> None:
        if not stands_still.is_set():
            stands_still.set()
            goes_on.wait(20)
            connection.cursor().execute("SELECT 1")

    monkeypatch.setattr("medallion.execution.sweep._settle", settle)
    errors: list[Exception] = []

    def beside() -> None:
        try:
            sweep()
        except DatabaseError as error:
            errors.append(error)
        connection.close()

    other = threading.Thread(target=beside)
    other.start()
    stands_still.wait(20)
    wait_until(lambda: sweep() == 1)
    goes_on.set()
    other.join()
    assert "idle-in-transaction timeout" in str(errors)


def test_every_attempt_of_a_rough_day_ends(house: House, run: PipelineRun, first_step: Step) -> None:
    claim_step(first_step.pk)
    house.expire_lease(first_step.pk)
    sweep()
    house.load("silver.a", "RAISE EXCEPTION 'x' USING ERRCODE = '40P01';")
    perform_step(first_step.pk)
    house.load("silver.a")
    assert run_here(run) == "completed"
    assert not Attempt.objects.filter(outcome=None).exists()
    assert house.outcomes(first_step) == ["lost", "failed", "succeeded"]


def test_a_sweep_leaves_a_sign_of_life(house: House) -> None:
    assert since_tick("sweep") is None
    sweep()
    first = Tick.objects.get(name="sweep").at
    sweep()
    assert Tick.objects.get(name="sweep").at > first
    assert (since_tick("sweep") or timedelta.max) < timedelta(seconds=5)
