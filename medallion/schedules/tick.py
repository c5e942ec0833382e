"""The tick: what beat asks for every 30 seconds. Any number of beats may ask, at any time, and after any pause."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from django.db import DatabaseError, connection, transaction

from lineage.models import PipelineRun
from lineage.ticks import clock, record_tick
from medallion.models import Schedule
from medallion.schedules.freshness import watch
from medallion.schedules.slots import record_slots, settle_slots
from medallion.schedules.times import MeansNothing

T = TypeVar("T")
logger = logging.getLogger(__name__)

# Uses indexes schedules_next_idx and schedule_slots_wait.
_DUE = "SELECT id FROM dwh_lineage.schedules WHERE NOT paused AND next_at <= %s ORDER BY next_at"
_WAITING = """
SELECT schedule_id FROM dwh_lineage.schedule_slots WHERE state = 'waiting' GROUP BY schedule_id
ORDER BY min(logical_time)
"""


# So many at once: the others are looked at by the next tick. Uses index schedules_fresh_idx.
_TO_WATCH = """
SELECT id FROM dwh_lineage.schedules WHERE NOT paused AND (fresh_until IS NULL OR fresh_until <= %s)
ORDER BY fresh_until NULLS FIRST LIMIT 500
"""


def tick() -> list[PipelineRun]:
    """Records the times that have come, starts what may start, and watches freshness; returns the runs it started.

    Each schedule is a transaction of its own, under its row's lock: its slots and its run are there together or not at
    all, a second tick passes over it, and what is wrong with one does not hold up the others.
    """
    now = clock()
    due = _ids(_DUE, now)
    started = [run for schedule in due if (run := _each(schedule, _record_and_settle, now))]
    started += start_waiting(now, but=frozenset(due))
    for schedule in _ids(_TO_WATCH, now):
        _each(schedule, watch, now)
    record_tick("tick")
    return started


def start_waiting(now: datetime | None = None, but: Collection[int] = ()) -> list[PipelineRun]:
    """Starts slots that waited for the run before them, of all schedules `but` these; returns the runs."""
    now = now or clock()
    waiting = (schedule for schedule in _ids(_WAITING) if schedule not in but)
    return [run for schedule in waiting if (run := _each(schedule, settle_slots, now))]


def _record_and_settle(schedule: Schedule, now: datetime) -> PipelineRun | None:
    if schedule.next_at <= now:  # else another tick was quicker
        record_slots(schedule, now)
    return settle_slots(schedule, now)


def _each(schedule_id: int, act: Callable[[Schedule, datetime], T], now: datetime) -> T | None:
    try:
        with transaction.atomic():
            unlocked = Schedule.objects.filter(pk=schedule_id, paused=False)
            schedule = unlocked.select_for_update(skip_locked=True, no_key=True).first()
            return act(schedule, now) if schedule else None
    except MeansNothing as error:
        logger.error("Schedule %s starts nothing: %s Correct it on the page Schedules.", schedule_id, error)
    except DatabaseError:
        logger.exception("Schedule %s was left for the next tick.", schedule_id)
    return None


def _ids(query: str, *values: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [number for (number,) in cursor.fetchall()]
