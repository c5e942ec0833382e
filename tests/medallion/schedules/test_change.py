from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from medallion.models import Schedule, ScheduleChange
from medallion.schedules.change import ScheduleRefused, add, change, pause, resume
from medallion.schedules.tick import tick
from medallion.schedules.times import MeansNothing
from tests.clock import Clock
from tests.medallion.schedules.days import end_runs, live_through, slots, started, tick_until_quiet

Make = Callable[..., Schedule]


def test_another_cron_expression_does_not_fire_the_past_again(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    live_through(clock, hours=2)
    clock.wait(minutes=20)
    change("daily", "ada", cron="*/10 * * * *")
    assert tick() == []
    clock.wait(minutes=10)
    tick_until_quiet()
    assert started(hourly) == ["03-02 13:00", "03-02 14:00", "03-02 14:30"]


def test_what_was_due_under_the_old_expression_is_still_run(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    clock.wait(hours=2, minutes=20)  # beat is down
    change("daily", "ada", cron="0 6 * * *")
    tick_until_quiet()
    assert started(hourly) == ["03-02 13:00", "03-02 14:00"]


def test_another_time_zone_counts_from_now_on(clock: Clock, schedule: Make) -> None:
    daily = schedule("0 13 * * *")
    change("daily", "ada", time_zone="America/New_York")  # where it is 07:00
    live_through(clock, hours=7)
    assert started(daily) == ["03-02 18:00"]


def test_a_paused_schedule_does_not_accumulate(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    live_through(clock, hours=1)
    pause("daily", "ada", "Maintenance.")
    live_through(clock, hours=48, step_minutes=360)
    resume("daily", "ada")
    assert tick() == []
    live_through(clock, hours=1)
    assert started(hourly) == ["03-02 13:00", "03-04 14:00"]
    assert slots(hourly, "skipped") == []


def test_what_waits_when_a_schedule_is_paused_is_skipped_and_says_so(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *", catch_up="all")
    clock.wait(hours=1)
    tick()
    clock.wait(hours=1)
    tick()
    pause("daily", "ada", "Maintenance.")
    end_runs()
    resume("daily", "ada")
    assert tick() == []
    assert hourly.slots.get(state="skipped").reason == "The schedule was paused. Maintenance."


def test_every_change_is_on_record(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    change("daily", "bob", cron="0 6 * * *", catch_up_within=timedelta(days=1))
    change("daily", "bob", cron="0 6 * * *")  # which changes nothing
    pause("daily", "eve", "Maintenance.")
    resume("daily", "ada")
    assert [(each.changed_by, each.changes) for each in ScheduleChange.objects.order_by("id")][1:] == [
        ("bob", {"cron": ["0 * * * *", "0 6 * * *"], "catch_up_within": [None, 86400.0]}),
        ("eve", {"paused": [False, True], "pause_reason": ["", "Maintenance."]}),
        ("ada", {"paused": [True, False], "pause_reason": ["Maintenance.", ""]}),
    ]


def test_a_change_that_means_nothing_changes_nothing(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *")
    with pytest.raises(MeansNothing):
        change("daily", "ada", cron="often")
    hourly.refresh_from_db()
    assert hourly.cron == "0 * * * *"


def test_a_schedule_that_means_nothing_can_be_corrected(clock: Clock, schedule: Make) -> None:
    hourly = schedule("0 * * * *")
    Schedule.objects.update(cron="often")
    change("daily", "ada", cron="0 * * * *")
    live_through(clock, hours=1)
    assert started(hourly) == ["03-02 13:00"]


def test_a_pipeline_has_one_schedule_and_must_be_there(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    with pytest.raises(ScheduleRefused, match="has a schedule already"):
        add("daily", "ada", cron="0 1 * * *")
    with pytest.raises(ScheduleRefused, match=r"no pipeline nightly\. Pipelines: .*daily"):
        add("nightly", "ada", cron="0 1 * * *")
    with pytest.raises(ScheduleRefused, match=r"nightly has no schedule\. Schedules: daily"):
        pause("nightly", "ada")
