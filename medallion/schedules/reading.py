"""What pages and commands show of schedules: their next times, and what became of the last one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from lineage.ticks import clock
from medallion.models import Schedule, ScheduleChange, ScheduleSlot
from medallion.schedules.change import LENGTHS
from medallion.schedules.times import MeansNothing, in_words, next_times


@dataclass(frozen=True)
class ScheduleSummary:
    """A schedule, its next five times (none while it is paused), and its last slot."""

    schedule: Schedule
    words: str
    next_times: list[datetime]
    last: ScheduleSlot | None

    @property
    def state(self) -> str:
        """paused, overdue or active."""
        return "paused" if self.schedule.paused else "overdue" if self.schedule.overdue else "active"


def summarise(schedules: Iterable[Schedule]) -> list[ScheduleSummary]:
    """The schedules in their order. Two queries beside theirs, whatever their number."""
    listed, now = list(schedules), clock()
    last = _last_slots(schedule.pk for schedule in listed)
    return [
        ScheduleSummary(schedule, words(schedule), coming(schedule, now), last.get(schedule.pk)) for schedule in listed
    ]


def words(schedule: Schedule) -> str:
    """When it runs, in words; or what is wrong with it."""
    try:
        return in_words(schedule.cron)
    except MeansNothing as error:
        return str(error)


def coming(schedule: Schedule, now: datetime, count: int = 5) -> list[datetime]:
    """Its next times; none where it is paused or means nothing."""
    if schedule.paused:
        return []
    try:
        return next_times(schedule.cron, schedule.time_zone, now, count)
    except MeansNothing:
        return []


def changed_fields(change: ScheduleChange) -> list[tuple[str, str, str]]:
    """(field, before, after) as people read them."""
    return [(name, readable(name, before), readable(name, after)) for name, (before, after) in change.changes.items()]


def readable(name: str, value: Any) -> str:
    """The value of a field; lengths of time may be seconds, as the record of changes has them."""
    if value is None or value == "":
        return "none"
    if name in LENGTHS:
        return in_units(value if isinstance(value, timedelta) else timedelta(seconds=value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def in_units(length: timedelta) -> str:
    """36 hours → 1 d 12 h."""
    minutes = round(length.total_seconds() / 60)
    counts = {"d": minutes // 1440, "h": minutes % 1440 // 60, "min": minutes % 60}
    return " ".join(f"{count} {unit}" for unit, count in counts.items() if count)


def _last_slots(schedules: Iterable[int]) -> dict[int, ScheduleSlot]:
    """Uses index schedule_slots_once, from its end, once for each schedule."""
    of_schedule = ScheduleSlot.objects.filter(schedule=OuterRef("pk")).order_by("-logical_time")
    last: QuerySet[Schedule, int | None] = (
        Schedule.objects.filter(pk__in=list(schedules))
        .annotate(last=Subquery(of_schedule.values("pk")[:1]))
        .values_list("last", flat=True)
    )
    found = ScheduleSlot.objects.filter(pk__in=[number for number in last if number]).select_related("run")
    return {slot.schedule_id: slot for slot in found}
