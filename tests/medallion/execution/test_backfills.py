"""Backfills on the small warehouse of the tests of runs: three days, a batch in each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from lineage.models import Backfill, BackfillChange, Batch, PipelineRun, Step
from medallion.backfills.change import cancel_backfill, create_backfill, pause_backfill, resume_backfill
from medallion.backfills.fill import fill_backfills
from medallion.backfills.plan import Order, plan_backfill
from medallion.backfills.progress import progress_of
from medallion.execution.create import create_run
from medallion.execution.errors import RunRefused
from medallion.execution.perform import perform_step, run_here
from medallion.tasks import run_step, sweep
from tests.medallion.execution.small_house import House

DAY = timedelta(days=1)
FIRST = datetime(2020, 1, 2, tzinfo=UTC)
LAST = FIRST + 2 * DAY


@pytest.fixture
def three_days(house: House) -> House:
    """A batch has come at noon before each midnight of 2, 3 and 4 January, and all is loaded."""
    house.arrive()
    house.arrive()
    run_here(create_run("daily", here=True))
    bronze = list(Batch.objects.filter(target="bronze.feed").order_by("pk"))
    for number, batch in enumerate(bronze):
        Batch.objects.filter(pk=batch.pk).update(ingested_at=FIRST + number * DAY - timedelta(hours=12))
    return house


def order(redo: str = "none", **more: object) -> Order:
    return Order("daily", FIRST, LAST, redo=redo, **more)  # type: ignore[arg-type]


def carry_out(backfill: Backfill) -> Backfill:
    """As sweeper and worker do: fills it and works at its runs until it has ended."""
    for _ in range(20):
        fill_backfills()
        for run in backfill.runs.filter(status__in=("pending", "running")):
            run_here(run)
        backfill.refresh_from_db()
        if backfill.state != "running":
            break
    return backfill


def states(backfill: Backfill) -> dict[str, int]:
    return progress_of([backfill])[backfill.pk].counts


def test_a_plan_names_each_time_with_its_batches_and_changes_nothing(three_days: House) -> None:
    planned = plan_backfill(order())
    assert [time.logical_time for time in planned] == [FIRST, FIRST + DAY, LAST]
    assert [time.after for time in planned] == [FIRST - DAY, FIRST, FIRST + DAY]
    assert [(time.batches, time.is_run, time.why) for time in planned] == [(1, True, "no run yet")] * 3
    assert not Backfill.objects.exists()


def test_each_time_has_one_run_of_its_own_in_order(three_days: House) -> None:
    backfill = carry_out(create_backfill(order(), by="ada"))
    assert backfill.state == "completed"
    assert backfill.ended_at is not None
    runs = backfill.runs.order_by("pk").values_list("logical_time", "status", "trigger", "requested_by")
    assert list(runs) == [(FIRST + n * DAY, "completed", "backfill", "ada") for n in range(3)]
    assert states(backfill) == {"completed": 3}


def test_what_was_loaded_is_taken_again_only_where_all_is_redone(three_days: House) -> None:
    carry_out(create_backfill(order(), by="ada"))
    assert three_days.effects("silver.a") == 1
    carry_out(create_backfill(order("all"), by="ada"))
    assert three_days.effects("silver.a") == 4  # once for each day
    taken = [[i.input_id for i in b.taken.all()] for b in Batch.objects.filter(target="silver.a").order_by("pk")]
    assert taken[1:] == [[number] for number in sorted(taken[0])]


def test_what_was_skipped_by_decision_stays_skipped(three_days: House) -> None:
    three_days.arrive()
    three_days.execute("CALL dwh_etl.set_watermark('silver.a', '_ingested_at', 'infinity', 'a wrong file')")
    Batch.objects.filter(target="bronze.feed", skipped_by__isnull=False).update(ingested_at=LAST - DAY / 2)
    carry_out(create_backfill(order("all"), by="ada"))
    skipped = Batch.objects.get(target="bronze.feed", skipped_by__isnull=False)
    assert not skipped.taken_by.exists()


def test_failed_times_are_redone_and_the_others_are_not(three_days: House) -> None:
    three_days.load("silver.b", "RAISE EXCEPTION 'no';")
    failed = carry_out(create_backfill(order("all"), by="ada"))
    assert failed.state == "failed"
    three_days.load("silver.b")
    PipelineRun.objects.filter(backfill=failed, logical_time=FIRST).update(status="running")
    PipelineRun.objects.filter(backfill=failed, logical_time=FIRST).update(status="completed")
    again = carry_out(create_backfill(order("failed"), by="ada"))
    assert [run.logical_time for run in again.runs.order_by("pk")] == [FIRST + DAY, LAST]
    assert again.state == "completed"
    with pytest.raises(RunRefused, match="Every time"):
        create_backfill(order("failed"), by="ada")


def test_no_more_runs_live_at_once_than_may(three_days: House) -> None:
    backfill = create_backfill(order(), by="ada", max_active=2)
    sweep()  # what beat asks for every 5 seconds
    assert states(backfill) == {"pending": 2, "waiting": 1}
    sweep()
    assert states(backfill) == {"pending": 2, "waiting": 1}


def test_a_live_run_is_not_refused_and_goes_first(three_days: House) -> None:
    backfill = create_backfill(order(), by="ada")
    (behind,) = fill_backfills()
    live = create_run("daily")
    run_step(Step.objects.get(run=behind, target="silver.a").pk)  # the doorbell rang for the backfill's
    assert three_days.states(live)["silver.a"] == "succeeded"
    assert three_days.states(behind)["silver.a"] == "queued"
    run_here(live)
    run_step(Step.objects.get(run=behind, target="silver.a").pk)
    assert three_days.states(behind)["silver.a"] == "succeeded"
    assert carry_out(backfill).state == "completed"


def test_a_live_step_that_is_not_to_be_had_holds_nothing_up(three_days: House) -> None:
    create_backfill(order(), by="ada")
    (behind,) = fill_backfills()
    live = Step.objects.get(run=create_run("daily"), target="silver.a")
    three_days.execute("UPDATE dwh_lineage.pipeline_runs SET deadline_at = now() WHERE run_id = %s", live.run_id)
    run_step(Step.objects.get(run=behind, target="silver.a").pk)
    assert three_days.states(behind)["silver.a"] == "succeeded"


def test_a_paused_backfill_starts_nothing_until_it_is_resumed(three_days: House) -> None:
    backfill = create_backfill(order(), by="ada")
    pause_backfill(backfill.pk, by="bob", reason="month end")
    assert fill_backfills() == []
    with pytest.raises(RunRefused, match="is paused"):
        pause_backfill(backfill.pk, by="bob")
    resume_backfill(backfill.pk, by="bob")
    assert carry_out(backfill).state == "completed"
    changes = BackfillChange.objects.order_by("pk").values_list("state", "changed_by", "reason")
    assert list(changes)[:2] == [("running", "ada", ""), ("paused", "bob", "month end")]


def test_a_cancelled_backfill_cancels_what_lives_and_starts_nothing_more(three_days: House) -> None:
    backfill = create_backfill(order(), by="ada")
    (first,) = fill_backfills()
    perform_step(Step.objects.get(run=first, target="silver.a").pk)
    assert cancel_backfill(backfill.pk, by="bob").state == "cancelled"
    assert fill_backfills() == []
    assert states(backfill) == {"cancelled": 1, "left out": 2}
    with pytest.raises(RunRefused, match="is cancelled"):
        resume_backfill(backfill.pk, by="bob")


def test_a_backfill_whose_runs_cannot_be_made_pauses_and_says_why(three_days: House) -> None:
    backfill = create_backfill(order(), by="ada")
    three_days.execute("UPDATE dwh_lineage.targets SET load_routine = NULL WHERE target = 'gold.c'")
    fill_backfills()
    backfill.refresh_from_db()
    assert backfill.state == "paused"
    assert "gold.c is not loaded" in BackfillChange.objects.filter(backfill=backfill).latest("pk").reason


def test_times_that_have_not_come_are_left_out(house: House) -> None:
    now = datetime.now(UTC)
    planned = plan_backfill(Order("daily", now - 2 * DAY, now + 5 * DAY))
    assert len(planned) == 2
    with pytest.raises(RunRefused, match="has come"):
        plan_backfill(Order("daily", now + DAY, now + 5 * DAY))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Order("nightly", FIRST, LAST), "no pipeline nightly"),
        (Order("daily", LAST, FIRST), "ends before it begins"),
        (Order("daily", FIRST, LAST, cron="0 2"), "five fields"),
        (Order("daily", FIRST, FIRST + DAY / 4, cron="30 23 * * *"), "No time of"),
        (Order("daily", FIRST, LAST, cron="* * * * *"), "more than 2,000 times"),
    ],
)
def test_an_order_that_means_nothing_is_refused(house: House, wrong: Order, words: str) -> None:
    with pytest.raises(RunRefused, match=words):
        plan_backfill(wrong)


def command(*words: str) -> str:
    said = StringIO()
    call_command("backfill", *words, stdout=said)
    return said.getvalue()


def test_the_command_shows_makes_and_carries_out(three_days: House) -> None:
    asked = ("daily", "--from", "2020-01-02", "--to", "2020-01-04")
    shown = command(*asked, "--dry-run")
    assert "2020-01-03 00:00" in shown
    assert "3 of 3 times would be run" in shown
    assert not Backfill.objects.exists()
    assert "3 completed" in command(*asked, "--here", "--by", "ada")
    assert "completed" in command("--list")
    with pytest.raises(CommandError, match="Every time"):
        command(*asked)
