"""Schedules as pipelines declare them, made into rows by `migrate`.

What a person has changed stays, field by field; what nobody touched follows the declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from lineage.ticks import clock
from medallion.models import Schedule
from medallion.pipelines import Pipeline
from medallion.registry import warehouse
from medallion.schedules.change import DECLARABLE, LENGTHS, change, pause, resume
from medallion.schedules.times import next_after

WITHDRAWN = "Its declaration is gone."
_BY = "declaration"


def follow_declarations(**signal: Any) -> None:
    """Makes a row for each declared schedule; a row that nobody changed follows its declaration, and one whose
    declaration is gone is paused. A receiver of `post_migrate`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('dwh_lineage.schedule_slots') IS NULL")
        if cursor.fetchone() == (True,):  # migrated back to before there were any
            return
    declared = {name: pipeline for name, pipeline in warehouse().pipelines.items() if pipeline.schedule}
    for name, pipeline in declared.items():
        _follow(name, declared_values(pipeline))
    for schedule in Schedule.objects.filter(declared__isnull=False).exclude(pipeline__in=declared):
        _withdraw(schedule)


def declared_values(pipeline: type[Pipeline]) -> dict[str, Any]:
    """What a pipeline declares about its schedule, by the names of the row's fields."""
    values = {name: getattr(pipeline, name) for name in DECLARABLE if name != "cron"}
    return {"cron": pipeline.schedule, **values, "parameters": dict(pipeline.parameters)}


def differences(schedule: Schedule) -> dict[str, Any]:
    """The fields in which a row differs from its declaration, with what that says; none where there is none."""
    values = _read(schedule.declared or {})
    return {name: value for name, value in values.items() if getattr(schedule, name) != value}


def back_to_declaration(pipeline: str, by: str) -> Schedule:
    """Drops what people have changed. Raises as `change`."""
    return change(pipeline, by, **_read(Schedule.objects.get(pipeline=pipeline).declared or {}))


def _follow(name: str, new: dict[str, Any]) -> None:
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update(no_key=True).filter(pipeline=name).first()
        if schedule is None:
            next_at = next_after(new["cron"], new["time_zone"], clock())
            made = Schedule(pipeline=name, declared=_written(new), next_at=next_at, **new)
            Schedule.objects.bulk_create([made], ignore_conflicts=True)  # another migrate may have been quicker
            return
        was_withdrawn = schedule.paused and schedule.pause_reason == WITHDRAWN
        Schedule.objects.filter(pk=schedule.pk).update(declared=_written(new))
        by_hand = set() if was_withdrawn else _by_hand(schedule)
        change(name, _BY, **{field: value for field, value in new.items() if field not in by_hand})
        if was_withdrawn:
            resume(name, _BY)


def _by_hand(schedule: Schedule) -> set[str]:
    """The fields that a person has set: all of them where no declaration made the row."""
    return set(DECLARABLE if schedule.declared is None else differences(schedule))


def _withdraw(schedule: Schedule) -> None:
    """From now on it is a person's: whoever resumes it keeps it."""
    with transaction.atomic():
        Schedule.objects.filter(pk=schedule.pk).update(declared=None)
        if not schedule.paused:
            pause(schedule.pipeline, _BY, WITHDRAWN)


def _written(values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON holds them: lengths of time in seconds."""
    return {name: v.total_seconds() if isinstance(v, timedelta) else v for name, v in values.items()}


def _read(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: timedelta(seconds=v) if n in LENGTHS and v is not None else v for n, v in values.items()}
