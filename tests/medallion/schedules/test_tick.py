from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from lineage.models import PipelineRun, Target, Tick
from lineage.states import LIVE_RUN_STATES
from medallion.models import Schedule, ScheduleSlot
from medallion.schedules.tick import start_waiting, tick
from tests.clock import Clock
from tests.medallion.schedules.days import at, end_runs, live_through, slots, started, tick_until_quiet

Make = Callable[..., Schedule]


def test_a_time_that_comes_starts_one_run_that_knows_it(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *", parameters={"region": "north"})
    assert tick() == []
    clock.put(at("2026-03-02 13:00:20"))
    (run,) = tick()
    assert (run.pipeline_name, run.trigger, run.logical_time) == ("daily", "schedule", at("2026-03-02 13:00"))
    assert run.parameters == {"region": "north", "logical_time": "2026-03-02T13:00:00+00:00"}
    assert hourly.slots.get().run == run
    end_runs()
    assert tick() == []


def test_every_tick_leaves_a_sign_of_life(clock: Clock) -> None:
    tick()
    assert Tick.objects.filter(name="tick").exists()


DOWN_FOR_3_HOURS = {
    "all": ["03-02 13:00", "03-02 14:00", "03-02 15:00", "03-02 16:00", "03-02 17:00"],
    "latest": ["03-02 13:00", "03-02 16:00", "03-02 17:00"],
    "none": ["03-02 13:00", "03-02 17:00"],
}


@pytest.mark.parametrize("catch_up", DOWN_FOR_3_HOURS)
def test_beat_down_for_3_hours_of_an_hourly_pipeline(clock: Clock, schedule: Make, catch_up: str) -> None:
    hourly = schedule("0 * * * *", catch_up=catch_up)
    live_through(clock, hours=1)
    clock.put(at("2026-03-02 16:30"))
    tick_until_quiet()
    live_through(clock, hours=1)
    assert started(hourly) == DOWN_FOR_3_HOURS[catch_up]
    times = sorted(slots(hourly, "started") + slots(hourly, "skipped"))
    assert times == DOWN_FOR_3_HOURS["all"]  # each is on record, once
    assert all(hourly.slots.filter(state="skipped").values_list("reason", flat=True))


DOWN_FOR_4_DAYS = {
    "all": ["03-03 02:30", "03-04 02:30", "03-05 02:30", "03-06 02:30", "03-07 02:30", "03-08 02:30"],
    "latest": ["03-03 02:30", "03-07 02:30", "03-08 02:30"],
    "none": ["03-03 02:30", "03-08 02:30"],
}


@pytest.mark.parametrize("catch_up", DOWN_FOR_4_DAYS)
def test_beat_down_for_4_days_of_a_daily_pipeline(clock: Clock, schedule: Make, catch_up: str) -> None:
    daily = schedule("30 2 * * *", catch_up=catch_up)
    live_through(clock, hours=14.5, step_minutes=14.5 * 60)
    clock.wait(days=4, hours=1)
    tick_until_quiet()
    live_through(clock, hours=23, step_minutes=23 * 60)
    assert started(daily) == DOWN_FOR_4_DAYS[catch_up]
    assert sorted(slots(daily, "started") + slots(daily, "skipped")) == DOWN_FOR_4_DAYS["all"]


# (cron, zone, UTC): what starts in the six hours from then.
NIGHTS = {
    ("30 2 * * *", "Europe/Berlin", "2026-03-28 22:30"): ["03-29 01:00"],
    ("30 2 * * *", "Europe/Berlin", "2026-10-24 22:30"): ["10-25 00:30"],
    ("30 2 * * *", "America/New_York", "2026-03-08 04:30"): ["03-08 07:00"],
    ("30 1 * * *", "America/New_York", "2026-11-01 04:30"): ["11-01 05:30"],
    ("0 * * * *", "Europe/Berlin", "2026-03-28 23:30"): [f"03-29 0{hour}:00" for hour in range(6)],
    ("0 * * * *", "Europe/Berlin", "2026-10-24 23:30"): [f"10-25 0{hour}:00" for hour in range(6)],
}


@pytest.mark.parametrize(("cron", "zone", "since"), NIGHTS)
def test_a_night_when_clocks_change_lacks_and_doubles_nothing(
    clock: Clock, schedule: Make, cron: str, zone: str, since: str
) -> None:
    clock.put(at(since))
    one = schedule(cron, time_zone=zone, catch_up="all")
    live_through(clock, hours=6)
    assert started(one) == NIGHTS[cron, zone, since]


def test_catch_up_goes_back_no_further_than_it_may(clock: Clock, schedule: Make) -> None:
    daily = schedule("30 2 * * *", catch_up="all", catch_up_within=timedelta(days=2))
    clock.wait(days=4)
    tick_until_quiet()
    assert started(daily) == ["03-05 02:30", "03-06 02:30"]
    assert slots(daily, "skipped") == ["03-03 02:30", "03-04 02:30"]
    assert "older than catch-up goes back: 2 d 00 h" in daily.slots.earliest("logical_time").reason


@pytest.mark.parametrize(
    ("catch_up", "waiting", "then"),
    [
        ("all", ["03-02 14:00", "03-02 15:00"], ["03-02 14:00", "03-02 15:00"]),
        ("latest", ["03-02 15:00"], ["03-02 15:00"]),
        ("none", ["03-02 15:00"], []),
    ],
)
def test_a_time_whose_pipeline_is_still_running_waits_for_it(
    clock: Clock, schedule: Make, catch_up: str, waiting: list[str], then: list[str]
) -> None:
    hourly = schedule("0 * * * *", catch_up=catch_up)
    clock.wait(hours=1)
    (first,) = tick()
    for _ in range(2):
        clock.wait(hours=1)
        assert tick() == []
    clock.wait(minutes=20)
    assert tick() == []
    assert slots(hourly, "waiting") == waiting
    assert hourly.slots.get(logical_time=at(f"2026-{waiting[0]}")).reason == f"Run {first.pk} of daily has not ended."
    end_runs()
    tick_until_quiet()
    assert started(hourly) == ["03-02 13:00", *then]
    assert slots(hourly, "waiting") == []


def test_what_waits_starts_when_the_run_has_ended_without_a_tick(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    clock.wait(hours=1)
    tick()
    clock.wait(hours=1)
    tick()
    assert start_waiting() == []
    end_runs()
    assert [run.logical_time for run in start_waiting()] == [at("2026-03-02 14:00")]


def test_a_run_that_cannot_be_created_is_not_forgotten(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    Target.objects.filter(target="gold.c").update(load_routine=None)
    clock.wait(hours=1)
    assert tick() == []
    assert "gold.c is not loaded from other tables" in hourly.slots.get().reason
    Target.objects.filter(target="gold.c").update(load_routine="dwh_etl.load_gold_c")
    assert len(tick()) == 1


def test_a_schedule_that_means_nothing_does_not_hold_up_the_others(
    clock: Clock, schedule: Make, caplog: pytest.LogCaptureFixture
) -> None:
    schedule("0 * * * *")
    Schedule.objects.create(pipeline="broken", cron="every day", next_at=at("2026-03-02 00:00"))
    clock.wait(hours=1)
    assert len(tick()) == 1
    assert "“every day” has not five fields" in caplog.text


def test_a_year_of_minutes_is_recorded_over_several_ticks(
    clock: Clock, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medallion.schedules.slots._AT_ONCE", 50)
    often = schedule("* * * * *", catch_up="latest")
    clock.wait(minutes=130)
    assert [len(tick()) for _ in range(3)] == [0, 0, 1]
    assert started(often) == ["03-02 14:10"]
    assert len(slots(often, "skipped")) == 129


def test_a_slot_that_was_decided_stays_decided(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    clock.wait(hours=1)
    tick()
    with pytest.raises(ProgrammingError, match="Invalid transition"), transaction.atomic():
        ScheduleSlot.objects.update(state="skipped")


def test_twenty_ticks_at_one_moment_start_one_run(
    transactional_db: None, standing_clock: Clock, schedule: Make
) -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    standing_clock.wait(hours=3)
    gate = threading.Barrier(20)
    runs: list[PipelineRun] = []

    def beat() -> None:
        try:
            gate.wait()
            runs.extend(tick())
        finally:
            connection.close()

    beats = [threading.Thread(target=beat) for _ in range(20)]
    for each in beats:
        each.start()
    for each in beats:
        each.join()
    assert [run.pk for run in runs] == [PipelineRun.objects.get(status__in=LIVE_RUN_STATES).pk]
    assert slots(hourly, "started") == ["03-02 13:00"]
    assert slots(hourly, "waiting") == ["03-02 14:00", "03-02 15:00"]


def test_a_schedule_that_another_tick_holds_is_passed_over(
    transactional_db: None, standing_clock: Clock, schedule: Make
) -> None:
    hourly = schedule("0 * * * *")
    standing_clock.wait(hours=1)
    seen: list[list[PipelineRun]] = []

    def beside() -> None:
        seen.append(tick())
        connection.close()

    with transaction.atomic():
        Schedule.objects.select_for_update().get(pk=hourly.pk)
        other = threading.Thread(target=beside)
        other.start()
        other.join(timeout=10)  # one that waits for the lock would wait for us
        assert seen == [[]]
    assert len(tick()) == 1
