"""Which logical times a backfill would run, and why. Reads only, so it is the dry run too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from lineage.models import Backfill
from lineage.ticks import clock
from medallion.execution.create import declared_pipeline
from medallion.execution.errors import RunRefused
from medallion.execution.plan import steps_upstream
from medallion.models import Schedule
from medallion.schedules.times import MeansNothing, last_before, times_between

MOST = 2_000
DAILY = "0 0 * * *"
_NOT_REDONE = ("failed", "cancelled")

# The last run of each time, scheduled or of a backfill, and the batches that were committed in it. Uses indexes
# pipeline_runs_logical_idx and batches_ingested_idx
_TIMES = """
SELECT t.logical_time, t.after, r.run_id, r.status, coalesce(b.batches, 0)
FROM unnest(%(after)s::timestamptz[], %(times)s::timestamptz[]) AS t (after, logical_time)
LEFT JOIN LATERAL (
    SELECT p.run_id, p.status FROM dwh_lineage.pipeline_runs AS p
    WHERE p.pipeline_name = %(pipeline)s AND p.logical_time = t.logical_time
    ORDER BY p.run_id DESC LIMIT 1
) AS r ON true
LEFT JOIN LATERAL (
    SELECT count(DISTINCT b.batch_no) AS batches
    FROM dwh_lineage.batches AS b
    JOIN dwh_lineage.target_inputs AS i ON i.source = b.target AND i.consumer = ANY (%(targets)s)
    WHERE b.ingested_at > t.after AND b.ingested_at <= t.logical_time
) AS b ON true
ORDER BY t.logical_time
"""

_COLUMNS = ("logical_time", "after", "run_id", "status", "batches")


@dataclass(frozen=True)
class Order:
    """What a person asks for. `cron` and `time_zone` say which logical times there are; both ends count."""

    pipeline: str
    first: datetime
    last: datetime
    cron: str = ""
    time_zone: str = ""
    redo: str = Backfill.Redo.NONE


@dataclass(frozen=True)
class PlannedTime:
    """A logical time, the run that stood for it last, and how many batches were committed in it."""

    logical_time: datetime
    after: datetime
    run_id: int | None
    status: str | None
    batches: int
    redo: str

    @property
    def is_run(self) -> bool:
        """Whether the backfill would run it."""
        if self.status is None or self.redo == Backfill.Redo.ALL:
            return True
        return self.redo == Backfill.Redo.FAILED and self.status in _NOT_REDONE

    @property
    def why(self) -> str:
        if self.run_id is None:
            return "no run yet"
        return f"run {self.run_id} {self.status}"


def plan_backfill(order: Order) -> list[PlannedTime]:
    """The logical times of the range that have come, in order. Changes nothing.

    Raises RunRefused: no such pipeline, a table that is not installed, no time in the range, or more than MOST.
    """
    targets = [step.target for step in steps_upstream(declared_pipeline(order.pipeline).target_names())]
    cron, zone = calendar_of(order)
    if order.last < order.first:
        raise RunRefused("The range ends before it begins.", "Give the earlier time first.")
    try:
        times = list(islice(times_between(cron, zone, order.first, min(order.last, clock())), MOST + 1))
        before = last_before(cron, zone, times[0]) if times else None
    except MeansNothing as error:
        raise RunRefused(str(error), "Five fields, as in 0 2 * * *, and a zone, as in Europe/Paris.") from None
    if before is None:
        raise RunRefused(
            f"No time of “{cron}” ({zone}) has come in this range.", "Give a longer range, or another --cron."
        )
    if len(times) > MOST:
        raise RunRefused(f"The range has more than {MOST:,} times.", "Make two backfills of it, or a coarser --cron.")
    values: dict[str, Any] = {"pipeline": order.pipeline, "times": times, "targets": targets}
    values["after"] = [before, *times[:-1]]
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, values)
        return [PlannedTime(redo=order.redo, **dict(zip(_COLUMNS, row, strict=True))) for row in cursor.fetchall()]


def calendar_of(order: Order) -> tuple[str, str]:
    """Cron expression and time zone: the order's own, or those of the pipeline's schedule, or every day in UTC."""
    schedule = Schedule.objects.filter(pipeline=order.pipeline).first()
    if order.cron:
        return order.cron, order.time_zone or "UTC"
    return (schedule.cron, schedule.time_zone) if schedule else (DAILY, order.time_zone or "UTC")
