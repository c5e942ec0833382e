"""What tests of schedules share: letting runs end, and reading what became of the times."""

from __future__ import annotations

from datetime import UTC, datetime

from lineage.models import PipelineRun
from lineage.states import LIVE_RUN_STATES
from medallion.models import Schedule
from medallion.schedules.tick import tick
from tests.clock import Clock


def at(text: str) -> datetime:
    """at("2026-03-02 13:00"), in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def end_runs(completed_at: datetime | None = None) -> int:
    """Lets all live runs succeed; returns how many."""
    live = PipelineRun.objects.filter(status__in=LIVE_RUN_STATES)
    live.filter(status="pending").update(status="running")
    return live.update(status="completed", completed_at=completed_at)


def tick_until_quiet() -> None:
    """Ticks, and lets each run succeed, until nothing starts any more."""
    while tick():
        end_runs()


def live_through(clock: Clock, hours: float, step_minutes: float = 30) -> None:
    """Beat ticks all the time, and every run succeeds at once."""
    for _ in range(round(hours * 60 / step_minutes)):
        clock.wait(minutes=step_minutes)
        tick_until_quiet()


def started(schedule: Schedule) -> list[str]:
    """The logical times of the runs that were created, in their order: `03-02 13:00`."""
    runs = PipelineRun.objects.filter(pipeline_name=schedule.pipeline).order_by("run_id")
    return [f"{time:%m-%d %H:%M}" for time in runs.values_list("logical_time", flat=True) if time]


def slots(schedule: Schedule, state: str) -> list[str]:
    """The times in a state, in order."""
    found = schedule.slots.filter(state=state).order_by("logical_time").values_list("logical_time", flat=True)
    return [f"{time:%m-%d %H:%M}" for time in found]
