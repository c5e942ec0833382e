"""Freshness: a pipeline that has not succeeded for longer than its schedule allows raises an issue, by itself."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from lineage.models import PipelineRun, Target
from lineage.states import RunStatus
from lineage.templatetags.assay import moment
from medallion.models import Schedule
from medallion.registry import warehouse
from medallion.schedules.times import next_after
from quality.issues import raise_issue, resolve_issue

logger = logging.getLogger(__name__)

GRACE = timedelta(hours=1)
"""How long after the next time of its schedule a pipeline may succeed, where it declares no `fresh_within`."""
RULE = "fresh"


def watch(schedule: Schedule, now: datetime) -> None:
    """Raises the issue of a schedule whose `fresh_until` has come, resolves it after a success, and says until when all
    is well. Under the row's lock. Raises MeansNothing.

    A success counts however it was started: a run loads all that waits.
    """
    success = last_success(schedule.pipeline)
    if schedule.fresh_until is None:
        allowed = _allowed(schedule, now)
    else:
        allowed = _allowed(schedule, success) if success else schedule.fresh_until
    if allowed > now:
        forget(schedule)
        schedule.fresh_until = allowed
    elif not schedule.overdue:
        schedule.overdue = _raise(schedule, success, allowed)
    schedule.save(update_fields=["fresh_until", "overdue"])


def forget(schedule: Schedule) -> None:
    """Resolves the issue, where there is one."""
    if schedule.overdue:
        resolve_issue(_fingerprint(schedule))
        schedule.overdue = False


def last_success(pipeline: str) -> datetime | None:
    """When the pipeline last completed. Uses index pipeline_runs_name_idx, from its end."""
    completed = PipelineRun.objects.filter(pipeline_name=pipeline, status=RunStatus.COMPLETED)
    return completed.order_by("-run_id").values_list("completed_at", flat=True).first()


def _allowed(schedule: Schedule, since: datetime) -> datetime:
    """Until when a pipeline that succeeded at `since` counts as fresh."""
    if schedule.fresh_within is not None:
        return since + schedule.fresh_within
    return next_after(schedule.cron, schedule.time_zone, since) + GRACE


def _raise(schedule: Schedule, success: datetime | None, allowed: datetime) -> bool:
    """Raises the issue at the first table of the pipeline that is installed; whether there is one."""
    pipeline = warehouse().pipelines.get(schedule.pipeline)
    names = pipeline.target_names() if pipeline else []
    installed = set(Target.objects.filter(target__in=names).values_list("target", flat=True))
    target = next((name for name in names if name in installed), None)
    if target is None:
        logger.error("The pipeline %s is overdue, and none of its tables is installed.", schedule.pipeline)
        return False
    since = f"has not succeeded since {moment(success)}" if success else "has never succeeded"
    title = f"The pipeline {schedule.pipeline} {since}; it should have by {moment(allowed)}"
    raise_issue(_fingerprint(schedule), target, RULE, title)
    return True


def _fingerprint(schedule: Schedule) -> str:
    return f"pipeline {schedule.pipeline} {RULE}"
