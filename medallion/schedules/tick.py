"""The tick: what beat asks for every 30 seconds. Any number of beats may ask, at any time, and after any pause."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from itertools import takewhile
from time import monotonic

from django.db import DatabaseError, connection

from lineage.connections import brief_transaction
from lineage.models import PipelineRun
from lineage.ticks import clock, record_tick
from medallion.models import Schedule
from medallion.schedules.freshness import watch
from medallion.schedules.slots import record_slots, settle_slots
from medallion.schedules.times import MeansNothing

Act = Callable[[Schedule, datetime], PipelineRun | None]
logger = logging.getLogger(__name__)

BUDGET_SECONDS = 10.0
"""A tick that has more to do leaves the rest to the next one: workers are there for steps."""

# Uses indexes schedules_next_idx and schedule_slots_wait.
_DUE = "SELECT id FROM dwh_lineage.schedules WHERE NOT paused AND next_at <= %s ORDER BY next_at"
# Behind a live run there is nothing to decide. Uses index pipeline_runs_one_live.
_WAITING = """
SELECT s.id
FROM dwh_lineage.schedule_slots AS w
JOIN dwh_lineage.schedules AS s ON s.id = w.schedule_id
WHERE w.state = 'waiting' AND NOT s.paused AND NOT EXISTS (
    SELECT 1 FROM dwh_lineage.pipeline_runs AS r
    WHERE r.concurrency_key = s.pipeline AND r.status IN ('pending', 'running', 'cancelling')
)
GROUP BY s.id
ORDER BY min(w.logical_time)
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
    now, until = clock(), monotonic() + BUDGET_SECONDS
    started = _all(_ids(_DUE, now), _record_and_settle, now, until)
    started += _all(_ids(_WAITING), settle_slots, now, until)
    _all(_ids(_TO_WATCH, now), watch, now, until)
    record_tick("tick")
    return started


def start_waiting() -> list[PipelineRun]:
    """Starts slots that waited for the run before them; returns the runs."""
    return _all(_ids(_WAITING), settle_slots, clock(), monotonic() + BUDGET_SECONDS)


def _record_and_settle(schedule: Schedule, now: datetime) -> PipelineRun | None:
    if schedule.next_at <= now:  # else another tick was quicker
        record_slots(schedule, now)
    return settle_slots(schedule, now)


def _all(schedules: list[int], act: Act, now: datetime, until: float) -> list[PipelineRun]:
    in_time = takewhile(lambda _: monotonic() < until, schedules)
    return [run for schedule in in_time if (run := _each(schedule, act, now))]


def _each(schedule_id: int, act: Act, now: datetime) -> PipelineRun | None:
    try:
        with brief_transaction():
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
