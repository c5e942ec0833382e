from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Sum

from lineage.models import Notification
from medallion.models import Schedule
from medallion.schedules.change import change, pause, resume
from medallion.schedules.tick import tick
from quality.models import QualityIssue
from tests.clock import Clock
from tests.medallion.schedules.days import end_runs

Make = Callable[..., Schedule]


def open_issues() -> list[str]:
    counted = QualityIssue.objects.annotate(open=Sum("deltas__delta")).filter(open__gt=0)
    return list(counted.values_list("title", flat=True))


def test_a_pipeline_that_never_succeeds_is_overdue_an_hour_after_its_next_time(clock: Clock, schedule: Make) -> None:
    schedule("0 14 * * *")
    tick()
    clock.wait(hours=2, minutes=59)
    tick()
    assert open_issues() == []
    clock.wait(minutes=2)
    tick()
    assert open_issues() == ["The pipeline daily has never succeeded; it should have by 2026-03-02 15:00:00"]
    assert QualityIssue.objects.get().target_id == "gold.c"


def test_a_success_resolves_it_and_the_next_delay_raises_it_again(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    tick()
    for _ in range(3):
        clock.wait(hours=1)
        tick()
    assert len(open_issues()) == 1
    end_runs(completed_at=clock.now)
    tick()
    assert open_issues() == []
    for _ in range(3):
        clock.wait(hours=1)
        tick()
    assert open_issues() == [
        "The pipeline daily has not succeeded since 2026-03-02 15:00:00; it should have by 2026-03-02 17:00:00"
    ]
    assert list(Notification.objects.order_by("id").values_list("kind", flat=True)) == ["issue", "issue_again"]


def test_an_overdue_pipeline_is_said_to_be_so_once(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    tick()
    for _ in range(20):
        clock.wait(minutes=30)
        tick()
    assert Notification.objects.filter(kind="issue").count() == 1


@pytest.mark.parametrize(("minutes", "overdue"), [(89, False), (91, True)])
def test_a_declared_freshness_counts_instead_of_the_schedule(
    clock: Clock, schedule: Make, minutes: int, overdue: bool
) -> None:
    schedule("0 2 * * *", fresh_within=timedelta(minutes=90))
    tick()
    clock.wait(minutes=minutes)
    tick()
    assert bool(open_issues()) is overdue


def test_a_success_by_hand_counts(clock: Clock, schedule: Make) -> None:
    from medallion.execution.create import create_run

    schedule("0 14 * * *")
    tick()
    clock.wait(hours=1)
    create_run("daily", requested_by="ada")
    end_runs(completed_at=clock.now)
    clock.wait(hours=1, minutes=59)
    tick()
    assert open_issues() == []


def test_nothing_is_expected_of_a_paused_schedule(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    tick()
    clock.wait(hours=3)
    tick()
    pause("daily", "ada")
    assert open_issues() == []
    clock.wait(days=3)
    tick()
    resume("daily", "ada")
    tick()
    assert open_issues() == []


def test_a_change_does_not_hide_that_a_pipeline_is_overdue(clock: Clock, schedule: Make) -> None:
    schedule("0 * * * *")
    tick()
    clock.wait(hours=3)
    tick()
    change("daily", "ada", cron="30 * * * *")
    tick()
    assert len(open_issues()) == 1
