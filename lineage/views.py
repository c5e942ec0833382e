"""The pages of runs: the list, and one run."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from lineage.advice import what_to_do
from lineage.filters import RunFilter
from lineage.keyset import keyset_page
from lineage.models import Attempt, PipelineRun, Step
from lineage.pages import page_response
from lineage.runs import DONE, duration_of, summarise
from lineage.tables import RunTable
from lineage.timeline import Axis, axis_of

COUNTS = ("rows_read", "rows_inserted", "rows_updated", "rows_deleted", "rows_unchanged", "rows_rejected")


def runs(request: HttpRequest) -> TemplateResponse:
    """All runs, the latest first."""
    narrowed = RunFilter(request.GET, queryset=PipelineRun.objects.all())
    page = keyset_page(request, narrowed.qs, "run_id")
    context = {
        "filter": narrowed,
        "table": RunTable(summarise(page.rows), keyset=page),
        "is_empty": not page.rows and not request.GET,
    }
    return page_response(request, "lineage/runs.html", "Runs", context)


def run(request: HttpRequest, run_id: int) -> TemplateResponse:
    """One run: its steps on a time axis, their counts, attempts and errors."""
    shown = get_object_or_404(PipelineRun, pk=run_id)
    steps = list(
        shown.steps.select_related("batch")
        .prefetch_related(Prefetch("attempts", Attempt.objects.order_by("token")))
        .order_by("position", "pk")
    )
    context = {
        "run": shown,
        "duration": duration_of(shown),
        "parameters": _pretty(shown.parameters),
        "failed": [_failure(step) for step in steps if step.error_message],
        **_progress(steps),
    }
    return page_response(request, "lineage/run.html", f"Run {run_id}", context)


def _progress(steps: list[Step]) -> dict[str, Any]:
    attempts = [(step, attempt) for step in steps for attempt in step.attempts.all()]
    axis = axis_of((attempt for _, attempt in attempts), timezone.now())
    batches = [step.batch for step in steps if step.batch]
    return {
        "axis": axis,
        "lines": [_line(step, axis) for step in steps],
        "attempts": sorted(attempts, key=lambda pair: (pair[1].started_at, pair[1].pk)),
        "steps_done": sum(step.state in DONE for step in steps),
        "rows_written": sum((b.rows_inserted or 0) + (b.rows_updated or 0) + (b.rows_deleted or 0) for b in batches),
        "rows_rejected": sum(b.rows_rejected or 0 for b in batches),
    }


def _line(step: Step, axis: Axis | None) -> dict[str, Any]:
    """A step as a row of the page; its counts are unknown until it has a batch, and none comes where nothing waited."""
    return {
        "step": step,
        "bars": [axis.bar(attempt) for attempt in step.attempts.all()] if axis else [],
        "took": step.ended_at - step.started_at if step.started_at and step.ended_at else None,
        "counts": [getattr(step.batch, name, None) for name in COUNTS],
        "nothing_new": step.state == "succeeded" and step.batch is None,
    }


def _failure(step: Step) -> dict[str, Any]:
    return {"step": step, "advice": what_to_do(step.error_sqlstate)}


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) if value else ""
