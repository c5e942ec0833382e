"""What a person does with backfills: create, pause, resume, cancel. Each leaves a row in `backfill_changes`."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.db.models.functions import Now

from lineage.models import Backfill, BackfillChange, BackfillTime, PipelineRun
from lineage.states import LIVE_RUN_STATES, BackfillState
from medallion.backfills.plan import Order, calendar_of, plan_backfill
from medallion.execution.errors import RunRefused
from medallion.execution.intervene import cancel_run


def create_backfill(order: Order, by: str, max_active: int = 1) -> Backfill:
    """Orders a backfill; the sweeper starts its runs. Raises RunRefused as plan_backfill, and where nothing is to be
    run."""
    if max_active < 1:
        raise RunRefused("At least one run must be allowed at a time.", "Give max_active as 1 or more.")
    times = [time for time in plan_backfill(order) if time.is_run]
    if not times:
        raise RunRefused("Every time of this range has its run.", "To run them again: --redo failed, or --redo all.")
    cron, zone = calendar_of(order)
    with transaction.atomic():
        backfill = Backfill.objects.create(
            pipeline=order.pipeline,
            cron=cron,
            time_zone=zone,
            first_time=order.first,
            last_time=order.last,
            redo=order.redo,
            max_active=max_active,
            requested_by=by,
        )
        BackfillTime.objects.bulk_create(
            BackfillTime(backfill=backfill, logical_time=time.logical_time, after=time.after) for time in times
        )
        _record(backfill.pk, BackfillState.RUNNING, by, "")
    return Backfill.objects.get(pk=backfill.pk)


def pause_backfill(backfill_id: int, by: str, reason: str = "") -> Backfill:
    """Starts no more runs of it; those that live go on. Raises RunRefused unless it is running."""
    return _change(backfill_id, (BackfillState.RUNNING,), BackfillState.PAUSED, by, reason)


def resume_backfill(backfill_id: int, by: str, reason: str = "") -> Backfill:
    """Starts its runs again. Raises RunRefused unless it is paused."""
    return _change(backfill_id, (BackfillState.PAUSED,), BackfillState.RUNNING, by, reason)


def cancel_backfill(backfill_id: int, by: str, reason: str = "") -> Backfill:
    """Starts no more runs of it, and cancels those that live. What they had loaded stays. Raises RunRefused where it
    has ended."""
    with transaction.atomic():
        # The row first: whoever fills it holds it, and sees the new state or has told us of its runs.
        backfill = _change(
            backfill_id, (BackfillState.RUNNING, BackfillState.PAUSED), BackfillState.CANCELLED, by, reason
        )
        live = PipelineRun.objects.filter(backfill=backfill, status__in=LIVE_RUN_STATES)
        for run_id in live.order_by("run_id").values_list("run_id", flat=True):
            with suppress(RunRefused):  # it has ended meanwhile
                cancel_run(run_id)
    return backfill


def change_state(backfill_id: int, old: tuple[str, ...], new: BackfillState, by: str, reason: str = "") -> bool:
    """One UPDATE from a state in `old` to `new`, with its record; False: it was in none of them."""
    with transaction.atomic():
        changed = Backfill.objects.filter(pk=backfill_id, state__in=old).update(state=new, ended_at=_ended(new))
        if changed:
            _record(backfill_id, new, by, reason)
    return bool(changed)


def _change(backfill_id: int, old: tuple[str, ...], new: BackfillState, by: str, reason: str) -> Backfill:
    if not change_state(backfill_id, old, new, by, reason):
        found = Backfill.objects.filter(pk=backfill_id).first()
        if found is None:
            raise RunRefused(f"There is no backfill {backfill_id}.", "manage.py backfill --list shows them.")
        raise RunRefused(
            f"Backfill {backfill_id} is {found.state}.", f"Only one that is {' or '.join(old)} becomes {new}."
        )
    return Backfill.objects.get(pk=backfill_id)


def _ended(state: BackfillState) -> Now | None:
    return None if state in (BackfillState.RUNNING, BackfillState.PAUSED) else Now()


def _record(backfill_id: int, state: str, by: str, reason: str) -> None:
    BackfillChange.objects.create(backfill_id=backfill_id, state=state, changed_by=by, reason=reason)
