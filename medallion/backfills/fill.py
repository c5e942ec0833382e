"""Keeping backfills filled: as many of their runs alive as they may have. The sweeper asks for it every 5 seconds."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection

from lineage.connections import brief_transaction
from lineage.models import Backfill, BackfillTime, PipelineRun, Step
from lineage.states import LIVE_RUN_STATES, BackfillState
from medallion.backfills.change import change_state
from medallion.execution.create import create_run
from medallion.execution.errors import RunRefused

logger = logging.getLogger(__name__)

_BY = "Assay"


def fill_backfills() -> list[PipelineRun]:
    """Starts what running backfills may start, and ends those whose last run has ended; returns the new runs.

    Each backfill is a transaction of its own, under its row's lock; one that somebody holds is left for the next time.
    """
    running = Backfill.objects.filter(state=BackfillState.RUNNING).order_by("pk").values_list("pk", flat=True)
    return [run for backfill_id in running for run in _fill(backfill_id)]


def fill_backfill(backfill_id: int, *, here: bool = False) -> list[PipelineRun]:
    """Starts what one backfill may start; `here`: without ringing. The rest as fill_backfills."""
    with brief_transaction(), connection.cursor() as cursor:
        # A load may just be taking a batch that is to wait again: the next sweep is soon enough.
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        found = Backfill.objects.select_for_update(skip_locked=True, no_key=True)
        backfill = found.filter(pk=backfill_id, state=BackfillState.RUNNING).first()
        return _start(backfill, here) if backfill else []


def _fill(backfill_id: int) -> list[PipelineRun]:
    try:
        return fill_backfill(backfill_id)
    except RunRefused as refusal:
        change_state(backfill_id, (BackfillState.RUNNING,), BackfillState.PAUSED, _BY, f"{refusal} {refusal.hint}")
    except DatabaseError as error:
        logger.warning("Backfill %s was left for the next sweep: %s", backfill_id, error)
    return []


def _start(backfill: Backfill, here: bool) -> list[PipelineRun]:
    live = backfill.runs.filter(status__in=LIVE_RUN_STATES).count()
    done = backfill.runs.values("logical_time")
    waiting = list(backfill.times.exclude(logical_time__in=done)[: max(0, backfill.max_active - live)])
    if not waiting and not live:
        _end(backfill)
    return [_start_time(backfill, time, here) for time in waiting]


def _start_time(backfill: Backfill, time: BackfillTime, here: bool) -> PipelineRun:
    run = create_run(
        backfill.pipeline,
        requested_by=backfill.requested_by,
        trigger="backfill",
        logical_time=time.logical_time,
        backfill=backfill,
        here=here,
    )
    if backfill.redo == Backfill.Redo.ALL:
        targets = list(Step.objects.filter(run=run).values_list("target", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT dwh_lineage.take_again_between(%s, %s, %s)", [targets, time.after, time.logical_time]
            )
    return run


def _end(backfill: Backfill) -> None:
    whole = not backfill.runs.exclude(status="completed").exists()
    state = BackfillState.COMPLETED if whole else BackfillState.FAILED
    change_state(backfill.pk, (BackfillState.RUNNING,), state, _BY)
