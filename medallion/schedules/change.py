"""What people do to schedules: add, change, pause and resume them. Every change is on record.

A change counts from now on: the times that came before it are settled as the schedule was then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from lineage.ticks import clock
from medallion.models import Schedule, ScheduleChange, ScheduleSlot
from medallion.registry import warehouse
from medallion.schedules.freshness import forget
from medallion.schedules.slots import record_slots, skip_slots
from medallion.schedules.times import MeansNothing, next_after

DECLARABLE = ("cron", "time_zone", "catch_up", "catch_up_within", "fresh_within", "parameters")
LENGTHS = ("catch_up_within", "fresh_within")
_RECORDED = (*DECLARABLE, "paused", "pause_reason")


class ScheduleRefused(Exception):
    """Nothing was changed. `str()` says what is wrong and what to do."""


def add(pipeline: str, by: str, **values: Any) -> Schedule:
    """Makes a schedule for a pipeline that has none. Raises ScheduleRefused and MeansNothing."""
    if pipeline not in (known := warehouse().pipelines):
        raise ScheduleRefused(f"There is no pipeline {pipeline}. Pipelines: {', '.join(sorted(known)) or 'none'}.")
    try:
        with transaction.atomic():
            schedule = Schedule.objects.create(pipeline=pipeline, **values)
            schedule.refresh_from_db()  # what was not given has the database's defaults
            schedule.next_at = next_after(schedule.cron, schedule.time_zone, clock())
            schedule.save(update_fields=["next_at"])
            _note(schedule, by, {name: [None, value] for name, value in _shown(schedule).items()})
    except IntegrityError as error:
        if "schedules_once" not in str(error):
            raise
        raise ScheduleRefused(f"The pipeline {pipeline} has a schedule already: change that one.") from None
    return schedule


def change(pipeline: str, by: str, **values: Any) -> Schedule:
    """Sets fields of DECLARABLE. The past is not fired again under a new cron expression.

    Raises ScheduleRefused where the pipeline has no schedule, MeansNothing for a cron expression or zone without times.
    """
    with _changing(pipeline, by) as (schedule, now):
        before = _shown(schedule)
        for name, value in values.items():
            setattr(schedule, name, value)
        following = next_after(schedule.cron, schedule.time_zone, now)
        changed = {name for name, value in _shown(schedule).items() if before[name] != value}
        if changed & {"cron", "time_zone"}:
            schedule.next_at = following
        if changed & {"cron", "time_zone", "fresh_within"} and not schedule.overdue:
            schedule.fresh_until = None
    return schedule


def pause(pipeline: str, by: str, reason: str = "") -> Schedule:
    """Stops a schedule: what waits is skipped, and until it is resumed its times leave no trace. A run goes on."""
    with _changing(pipeline, by) as (schedule, now):
        schedule.paused, schedule.pause_reason = True, reason
        waiting = schedule.slots.filter(state=ScheduleSlot.State.WAITING)
        skip_slots(list(waiting), f"The schedule was paused. {reason}".strip(), now)
        forget(schedule)
    return schedule


def resume(pipeline: str, by: str) -> Schedule:
    """Lets a paused schedule go on with its next time. Raises as `change`."""
    with _changing(pipeline, by) as (schedule, now):
        schedule.paused, schedule.pause_reason = False, ""
        schedule.next_at = next_after(schedule.cron, schedule.time_zone, now)
        schedule.fresh_until = None
    return schedule


@contextmanager
def _changing(pipeline: str, by: str) -> Iterator[tuple[Schedule, datetime]]:
    """The schedule under its row's lock, with the times recorded that have come; saved and on record afterwards."""
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update(no_key=True).filter(pipeline=pipeline).first()
        if schedule is None:
            known = ", ".join(Schedule.objects.values_list("pipeline", flat=True)) or "none"
            raise ScheduleRefused(f"The pipeline {pipeline} has no schedule. Schedules: {known}.")
        now, before = clock(), _shown(schedule)
        if not schedule.paused:
            with suppress(MeansNothing):  # what means nothing has no times, and may be corrected
                record_slots(schedule, now)
        yield schedule, now
        schedule.save()
        after = _shown(schedule)
        _note(schedule, by, {name: [before[name], after[name]] for name in after if after[name] != before[name]})


def _shown(schedule: Schedule) -> dict[str, Any]:
    """The fields that are on record, as JSON holds them: lengths of time in seconds."""
    values = {name: getattr(schedule, name) for name in _RECORDED}
    return {name: v.total_seconds() if isinstance(v, timedelta) else v for name, v in values.items()}


def _note(schedule: Schedule, by: str, changes: dict[str, list[Any]]) -> None:
    if changes:
        ScheduleChange.objects.create(schedule=schedule, changed_by=by, changes=changes)
