"""The pages of runs: the list, and one run; both keep themselves up to date while one looks."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from lineage.actions import buttons
from lineage.advice import what_to_do
from lineage.filters import RunFilter
from lineage.keyset import keyset_page
from lineage.models import Attempt, Intervention, PipelineRun, Step
from lineage.models.runs import GATES
from lineage.pages import page_response
from lineage.permissions import targets_of, within
from lineage.progress import Progress, progress_of
from lineage.run_edges import read_edges
from lineage.runs import DONE, duration_of, runs_within, summarise
from lineage.states import LIVE_RUN_STATES
from lineage.tables import RunTable, WorkerTable
from lineage.timeline import Axis, axis_of
from lineage.workers import workers as workers_on_record

COUNTS = ("rows_read", "rows_inserted", "rows_updated", "rows_deleted", "rows_unchanged", "rows_rejected")


def runs(request: HttpRequest) -> TemplateResponse:
    """All runs, the latest first. The first page, and one with live runs, asks for its rows again."""
    narrowed = RunFilter(request.GET, queryset=runs_within(request.user))
    page = keyset_page(request, narrowed.qs, "run_id")
    table = RunTable(summarise(page.rows), keyset=page, body_id="run-rows")
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "assay/rows_live.html", {"table": table})
    context = {
        "filter": narrowed,
        "table": table,
        "is_live": not page.newer or any(run.status in LIVE_RUN_STATES for run in page.rows),
        "is_empty": not page.rows and not request.GET,
    }
    return page_response(request, "lineage/runs.html", "Runs", context)


def workers(request: HttpRequest) -> TemplateResponse:
    """Who works at steps, and at which; the page asks for all of it again every five seconds."""
    found = workers_on_record()
    context = {
        "found": found,
        "table": WorkerTable(found),
        "alive": sum(worker.is_alive for worker in found),
        "working": sum(worker.state == "working" for worker in found),
    }
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "lineage/workers_live.html", context)
    return page_response(request, "lineage/workers.html", "Workers", context)


def run(request: HttpRequest, run_id: int) -> TemplateResponse:
    """One run: its steps on a time axis, their counts, attempts, log and errors. While it is live the page asks again
    every two seconds, and gets what may have changed."""
    shown = get_object_or_404(runs_within(request.user), pk=run_id)
    seen = within(shown.steps.select_related("batch"), request.user, "lineage.view_pipelinerun")
    steps = list(
        seen.prefetch_related(Prefetch("attempts", Attempt.objects.order_by("token"))).order_by("position", "pk")
    )
    is_live = shown.status in LIVE_RUN_STATES
    context = {
        "run": shown,
        "is_live": is_live,
        "duration": duration_of(shown),
        "parameters": _pretty(shown.parameters),
        "failed": [_failure(step) for step in steps if step.error_message and step.state == "failed"],
        "interventions": Intervention.objects.filter(run=shown).select_related("step"),
        "buttons": buttons(request.user, shown),
        **_state_of(request, shown, steps, progress_of(run_id) if is_live else {}),
    }
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, "lineage/run_live.html", {**context, "oob": True})
    tables = targets_of(request.user, "lineage.view_pipelinerun")
    earlier = runs_within(request.user).filter(pipeline_name=shown.pipeline_name, pk__lt=run_id).order_by("-pk")
    context |= {"edges": read_edges(shown, tables), "previous": earlier.values_list("pk", flat=True).first()}
    return page_response(request, "lineage/run.html", f"Run {run_id}", context)


def _state_of(
    request: HttpRequest, shown: PipelineRun, steps: list[Step], progress: dict[int, Progress]
) -> dict[str, Any]:
    attempts = [(step, attempt) for step in steps for attempt in step.attempts.all()]
    # Where it was resumed, the axis shows what came since.
    since = [a for _, a in attempts if not a.ended_at or not shown.started_at or a.ended_at >= shown.started_at]
    axis = axis_of(since, timezone.now())
    drawn = {attempt.pk for attempt in since}
    batches = [step.batch for step in steps if step.batch]
    return {
        "axis": axis,
        "lines": [_line(request, shown, step, axis, drawn, progress.get(step.pk)) for step in steps],
        "attempts": sorted(attempts, key=lambda pair: (pair[1].started_at, pair[1].pk)),
        "steps_done": sum(step.state in DONE for step in steps),
        "rows_written": sum((b.rows_inserted or 0) + (b.rows_updated or 0) + (b.rows_deleted or 0) for b in batches),
        "rows_rejected": sum(b.rows_rejected or 0 for b in batches),
    }


def _line(
    request: HttpRequest, run: PipelineRun, step: Step, axis: Axis | None, drawn: set[int], now: Progress | None
) -> dict[str, Any]:
    """A step as a row of the page; its counts are unknown until it has a batch, and none comes where nothing waited."""
    attempts = list(step.attempts.all())
    last = attempts[-1] if attempts else None
    return {
        "step": step,
        "bars": [axis.bar(attempt) for attempt in attempts if attempt.pk in drawn] if axis else [],
        "took": (last.ended_at or timezone.now()) - last.started_at if last else None,
        "counts": [getattr(step.batch, name, None) for name in COUNTS],
        "nothing_new": step.state == "succeeded" and step.batch is None,
        "progress": now.words or f"{now.worker} works at it." if now else "",
        "buttons": buttons(request.user, run, step),
    }


def _failure(step: Step) -> dict[str, Any]:
    return {"step": step, "advice": what_to_do(step.error_sqlstate), "is_gate": step.error_sqlstate in GATES}


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) if value else ""
