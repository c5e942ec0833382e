from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from medallion.models import Schedule
from medallion.pipelines import Pipeline
from medallion.registry import warehouse
from medallion.schedules.change import change, pause, resume
from medallion.schedules.declared import WITHDRAWN, back_to_declaration, differences, follow_declarations
from medallion.schedules.tick import tick
from tests.clock import Clock
from tests.medallion.schedules.days import live_through, started

Make = Callable[..., Schedule]


@pytest.fixture
def declare(schedule: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Schedule]:
    """declare(schedule="0 2 * * *"): `daily` says so from now on, and somebody runs migrate; returns the row."""
    monkeypatch.setattr(warehouse(), "pipelines", {})

    def say(**attributes: object) -> Schedule:
        warehouse().pipelines["daily"] = type("Daily", (Pipeline,), {"targets": ["gold.c"], **attributes})
        follow_declarations()
        return Schedule.objects.get(pipeline="daily")

    return say


def test_a_declaration_makes_a_row_that_starts_with_the_next_time(declare: Make, clock: Clock) -> None:
    made = declare(schedule="0 * * * *", time_zone="Europe/Berlin", fresh_within=timedelta(hours=2))
    assert (made.cron, made.time_zone, made.catch_up) == ("0 * * * *", "Europe/Berlin", "latest")
    assert made.fresh_within == timedelta(hours=2)
    clock.wait(minutes=30)
    assert tick() == []
    clock.wait(minutes=30)
    assert len(tick()) == 1


def test_a_row_that_nobody_touched_follows_its_declaration(declare: Make) -> None:
    declare(schedule="0 2 * * *", catch_up="all")
    followed = declare(schedule="0 3 * * *", catch_up_within=timedelta(days=2))
    assert (followed.cron, followed.catch_up, followed.catch_up_within) == ("0 3 * * *", "latest", timedelta(days=2))
    assert differences(followed) == {}


def test_what_a_person_has_set_stays_field_by_field(declare: Make) -> None:
    declare(schedule="0 2 * * *", catch_up="all")
    change("daily", "ada", cron="0 4 * * *")
    kept = declare(schedule="0 3 * * *", catch_up="none")
    assert (kept.cron, kept.catch_up) == ("0 4 * * *", "none")
    assert differences(kept) == {"cron": "0 3 * * *"}
    assert differences(back_to_declaration("daily", "ada")) == {}


def test_migrating_again_changes_nothing(declare: Make) -> None:
    first = declare(schedule="0 2 * * *")
    again = declare(schedule="0 2 * * *")
    assert again.changes.count() == first.changes.count() == 0


def test_a_schedule_whose_declaration_is_gone_starts_nothing_until_it_is_back(declare: Make, clock: Clock) -> None:
    declare(schedule="0 * * * *")
    gone = declare()
    assert (gone.paused, gone.pause_reason) == (True, WITHDRAWN)
    live_through(clock, hours=2)
    back = declare(schedule="30 * * * *")
    live_through(clock, hours=1)
    assert started(back) == ["03-02 14:30"]


def test_a_person_may_keep_a_schedule_whose_declaration_is_gone(declare: Make) -> None:
    declare(schedule="0 * * * *")
    declare()
    resume("daily", "ada")
    assert not declare().paused


def test_what_a_person_has_paused_stays_paused(declare: Make) -> None:
    declare(schedule="0 * * * *")
    pause("daily", "ada", "Maintenance.")
    assert declare(schedule="0 2 * * *").paused


def test_a_schedule_made_by_hand_stays_when_one_is_declared(declare: Make, schedule: Make) -> None:
    warehouse().pipelines["daily"] = type("Daily", (Pipeline,), {"targets": ["gold.c"]})
    schedule("0 5 * * *", catch_up="all")
    kept = declare(schedule="0 2 * * *")
    assert (kept.cron, kept.catch_up) == ("0 5 * * *", "all")
    assert differences(kept) == {"cron": "0 2 * * *", "catch_up": "latest"}
