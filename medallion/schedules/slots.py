"""The slots of one schedule: recording the times that have come, and deciding about each. Call under the row's lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from lineage.models import PipelineRun
from lineage.templatetags.assay import duration
from medallion.execution.create import create_run, live_run
from medallion.execution.errors import RunIsLive, RunRefused
from medallion.models import Schedule, ScheduleSlot
from medallion.schedules.times import next_after, times_between

ON_TIME = timedelta(minutes=5)
"""With catch-up `none` a slot is started within this time of its own, or not at all."""
_AT_ONCE = 2_000
"""So many slots one transaction records; the next tick goes on where it stopped."""

CatchUp, State = Schedule.CatchUp, ScheduleSlot.State


def record_slots(schedule: Schedule, now: datetime) -> None:
    """Records every time that has come as a waiting slot. Raises MeansNothing where the cron expression does."""
    times = list(islice(times_between(schedule.cron, schedule.time_zone, first=schedule.next_at, last=now), _AT_ONCE))
    # ON CONFLICT DO NOTHING: a time that is there already was recorded before the schedule was changed.
    ScheduleSlot.objects.bulk_create(
        (ScheduleSlot(schedule=schedule, logical_time=time) for time in times), ignore_conflicts=True
    )
    reached = times[-1] if len(times) == _AT_ONCE else now
    schedule.next_at = next_after(schedule.cron, schedule.time_zone, reached)
    schedule.save(update_fields=["next_at"])


def settle_slots(schedule: Schedule, now: datetime) -> PipelineRun | None:
    """Skips what catch-up leaves out, and starts the oldest slot that is left unless its pipeline is running.

    Returns the run that was started. Its creation is part of the transaction at hand.
    """
    waiting = list(schedule.slots.filter(state=State.WAITING).order_by("logical_time"))
    kept = _skip_what_catch_up_leaves_out(schedule, waiting, now)
    return _start(schedule, kept[0], now) if kept else None


def skip_slots(slots: Sequence[ScheduleSlot], reason: str, now: datetime) -> None:
    """Records why slots are not run."""
    ScheduleSlot.objects.filter(pk__in=[slot.pk for slot in slots]).update(
        state=State.SKIPPED, reason=reason, decided_at=now
    )


def _skip_what_catch_up_leaves_out(
    schedule: Schedule, waiting: list[ScheduleSlot], now: datetime
) -> list[ScheduleSlot]:
    kept, skipped = [], dict[str, list[ScheduleSlot]]()
    # While times are still being recorded, none of the waiting ones is the latest.
    latest = waiting[-1] if waiting and schedule.next_at > now else None
    for slot in waiting:
        if reason := _why_to_skip(schedule, slot, latest, now):
            skipped.setdefault(reason, []).append(slot)
        else:
            kept.append(slot)
    for reason, slots in skipped.items():
        skip_slots(slots, reason, now)
    return kept


def _why_to_skip(schedule: Schedule, slot: ScheduleSlot, latest: ScheduleSlot | None, now: datetime) -> str:
    """The reason, or nothing: it is to be run."""
    age = now - slot.logical_time
    if schedule.catch_up == CatchUp.NONE and age > ON_TIME:
        return f"It could not start within {duration(ON_TIME)}, and catch-up is none. {slot.reason}".strip()
    if schedule.catch_up == CatchUp.LATEST and slot is not latest:
        return "A later time has come before it could start, and catch-up is latest."
    if schedule.catch_up_within is not None and age > schedule.catch_up_within:
        return f"It is older than catch-up goes back: {duration(schedule.catch_up_within)}."
    return ""


def _start(schedule: Schedule, slot: ScheduleSlot, now: datetime) -> PipelineRun | None:
    try:
        if (running := live_run(schedule.pipeline)) is not None:
            raise RunIsLive(schedule.pipeline, running)
        run = create_run(
            schedule.pipeline,
            trigger="schedule",
            parameters=schedule.parameters,
            logical_time=slot.logical_time,
        )
    except RunIsLive as live:
        _wait(slot, f"Run {live.run_id} of {schedule.pipeline} has not ended.")
        return None
    except RunRefused as refusal:
        _wait(slot, f"{refusal} {refusal.hint}")
        return None
    slot.state, slot.reason, slot.run, slot.decided_at = State.STARTED, "", run, now
    slot.save(update_fields=["state", "reason", "run", "decided_at"])
    return run


def _wait(slot: ScheduleSlot, reason: str) -> None:
    if slot.reason != reason:
        slot.reason = reason
        slot.save(update_fields=["reason"])
