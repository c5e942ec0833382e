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
from medallion.execution.intervene import cancel_run, continue_run, rerun_step, resume_run, skip_step
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


def test_every_act_is_on_record_with_who_when_and_why(house: House, run: PipelineRun) -> None:
    house.load("silver.b", "PERFORM 1/0;")
    run_here(run)
    house.load("silver.b")
    resume_run(run.pk, by="ada", reason="mended")
    skip_step(run.pk, "silver.b", by="grace", reason="not today")
    cancel_run(run.pk, by="alan")
    cancel = run.interventions.first()
    assert cancel is not None
    assert (cancel.verb, cancel.by, cancel.reason, cancel.step) == ("cancel", "alan", "", None)
    acts = [(act.verb, act.by, act.reason, act.step and act.step.target) for act in run.interventions.order_by("id")]
    assert acts[:2] == [("resume", "ada", "mended", None), ("skip", "grace", "not today", "silver.b")]


def test_what_is_refused_is_not_on_record(house: House, run: PipelineRun) -> None:
    run_here(run)
    for act in (cancel_run, resume_run):
        with pytest.raises(RunRefused):
            act(run.pk, "ada")
    with pytest.raises(RunRefused, match=r"silver\.x"):
        rerun_step(run.pk, "silver.x")
    assert not run.interventions.exists()


def test_a_run_does_without_a_step_that_waits(house: House, run: PipelineRun) -> None:
    skip_step(run.pk, "silver.b")
    # gold.c waited for silver.b alone.
    assert house.states(run) == {"silver.a": "queued", "silver.b": "skipped", "gold.c": "queued"}
    assert run_here(run) == "completed"
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "skipped", "gold.c": "succeeded"}
    assert house.effects("silver.b") == 0
    assert run_here(create_run("daily")) == "completed"
    assert house.effects("silver.b") == 1  # its batch went on waiting


def test_a_run_of_which_every_step_is_skipped_is_complete(house: House, run: PipelineRun) -> None:
    for target in ("gold.c", "silver.b", "silver.a"):
        skip_step(run.pk, target)
    run.refresh_from_db()
    assert run.status == "completed"


def test_a_step_that_failed_is_skipped_and_the_rest_resumed(house: House, run: PipelineRun) -> None:
    house.load("silver.a", "PERFORM 1/0;")
    assert run_here(run) == "failed"
    assert skip_step(run.pk, "silver.a").status == "failed"
    assert run_here(resume_run(run.pk)) == "completed"
    assert house.states(run) == {"silver.a": "skipped", "silver.b": "succeeded", "gold.c": "succeeded"}


def test_what_waited_for_a_skipped_step_goes_on_in_a_live_run(house: House, run: PipelineRun) -> None:
    house.table("silver.z", "bronze.feed")
    Step.objects.create(run=run, target="silver.z", position=9, state="queued")  # keeps the run alive
    house.load("silver.a", "PERFORM 1/0;")
    perform_step(Step.objects.get(run=run, target="silver.a").pk)
    assert house.states(run)["gold.c"] == "upstream_failed"
    skip_step(run.pk, "silver.a")
    assert house.states(run) == {
        "silver.a": "skipped", "silver.b": "queued", "gold.c": "blocked", "silver.z": "queued",
    }  # fmt: skip
    assert run_here(run) == "completed"


def test_what_is_done_or_runs_is_not_skipped(house: House, run: PipelineRun, first_step: Step) -> None:
    claim_step(first_step.pk)
    with pytest.raises(RunRefused, match=r"silver\.a is running"):
        skip_step(run.pk, "silver.a")
    house.expire_lease(first_step.pk)
    run_here(run)
    with pytest.raises(RunRefused, match="is completed"):
        skip_step(run.pk, "silver.a")


def test_a_step_is_carried_out_again_with_what_follows_it(house: House, run: PipelineRun) -> None:
    run_here(run)
    house.arrive()
    again = rerun_step(run.pk, "silver.b", by="ada")
    assert again.pk == run.pk
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "queued", "gold.c": "blocked"}
    assert run_here(again) == "completed"
    # What waits by now is taken: nothing for silver.b, since silver.a was not carried out.
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 1, 1]
    assert [house.outcomes(s) for s in run.steps.order_by("position")] == [
        ["succeeded"],
        ["succeeded", "succeeded"],
        ["succeeded", "succeeded"],
    ]


def test_a_step_is_rebuilt_once_when_it_is_carried_out_again(house: House, run: PipelineRun) -> None:
    run_here(run)
    run_here(rerun_step(run.pk, "silver.b", rebuild=True))
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 2, 2]
    run_here(rerun_step(run.pk, "silver.b"))
    assert house.effects("silver.b") == 2


def test_a_step_that_failed_is_tried_again_while_the_rest_goes_on(house: House, run: PipelineRun) -> None:
    house.table("silver.z", "bronze.feed")
    Step.objects.create(run=run, target="silver.z", position=9, state="queued")
    house.load("silver.a", "PERFORM 1/0;")
    perform_step(Step.objects.get(run=run, target="silver.a").pk)
    house.load("silver.a")
    rerun_step(run.pk, "silver.a")
    assert house.states(run)["gold.c"] == "blocked"
    assert run_here(run) == "completed"


@pytest.mark.parametrize(
    ("target", "refused"),
    [("gold.c", r"gold\.c is upstream failed"), ("silver.a", r"silver\.b, which follows, is queued")],
)
def test_a_step_is_not_carried_out_again_out_of_order(
    house: House, run: PipelineRun, target: str, refused: str
) -> None:
    house.load("silver.b", "PERFORM 1/0;")
    run_here(run)
    if target == "silver.a":
        rerun_step(run.pk, "silver.b")
    with pytest.raises(RunRefused, match=refused):
        rerun_step(run.pk, target)


def test_a_step_is_not_carried_out_again_beside_a_live_run(house: House, run: PipelineRun) -> None:
    run_here(run)
    newer = create_run("daily")
    with pytest.raises(RunIsLive, match=f"run {newer.pk}"):
        rerun_step(run.pk, "silver.a")
    assert not run.interventions.exists()


def test_two_acts_at_one_moment_happen_one_after_the_other(house: House, run: PipelineRun) -> None:
    said: list[str] = []

    def act(target: str) -> None:
        try:
            skip_step(run.pk, target)
        except RunRefused as refusal:
            said.append(str(refusal))
        connection.close()

    threads = [threading.Thread(target=act, args=(target,)) for target in ("silver.a", "silver.a", "silver.b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [f"silver.a is skipped in run {run.pk}."]
    assert house.states(run) == {"silver.a": "skipped", "silver.b": "skipped", "gold.c": "queued"}
