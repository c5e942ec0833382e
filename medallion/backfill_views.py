"""The pages of backfills: all of them, one with its progress and its runs, a new one, and those that change one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from lineage.keyset import keyset_page
from lineage.models import Backfill, BackfillTime
from lineage.pages import page_response
from medallion.backfill_forms import BackfillForm
from medallion.backfill_tables import BackfillSummary, BackfillTable, BackfillTimeTable, PlanTable, TimeSummary
from medallion.backfills.change import cancel_backfill, create_backfill, pause_backfill, resume_backfill
from medallion.backfills.plan import PlannedTime, plan_backfill
from medallion.backfills.progress import progress_of
from medallion.execution.errors import RunRefused
from medallion.subjects import pipelines_of, require_pipeline

_CHANGES: dict[str, tuple[Callable[..., Backfill], str]] = {
    "pause": (pause_backfill, "No more of its runs are started; those that live go on."),
    "resume": (resume_backfill, "Its runs are started again."),
    "cancel": (
        cancel_backfill,
        "No more of its runs are started, and those that live are cancelled. What was loaded stays.",
    ),
}
_PREVIEWED = 100


def backfills(request: HttpRequest) -> HttpResponse:
    """All backfills, the latest first."""
    found = Backfill.objects.all()
    if (allowed := pipelines_of(request.user, "lineage.view_backfill")) is not None:
        found = found.filter(pipeline__in=allowed)
    page = keyset_page(request, found, "pk")
    progress = progress_of(page.rows)
    rows = [BackfillSummary(backfill, progress[backfill.pk]) for backfill in page.rows]
    context = {"table": BackfillTable(rows, keyset=page), "is_empty": not rows and not request.GET}
    return page_response(request, "medallion/backfills.html", "Backfills", context)


def backfill(request: HttpRequest, backfill_id: int) -> HttpResponse:
    """One backfill: what was ordered, how far it is, its times with their runs, who changed it."""
    shown = get_object_or_404(Backfill, pk=backfill_id)
    page = keyset_page(request, shown.times.all(), "pk")
    context = {
        "backfill": shown,
        "progress": progress_of([shown])[shown.pk],
        "table": BackfillTimeTable(_with_runs(shown, page.rows), keyset=page),
        "changes": shown.changes.all()[:20],
        "is_live": shown.state in ("running", "paused"),
    }
    return page_response(request, "medallion/backfill.html", f"Backfill {shown.pk}", context)


def add_backfill(request: HttpRequest) -> HttpResponse:
    """A form; “Preview” is the dry run and orders nothing."""
    form = BackfillForm(request.POST or None)
    planned: list[PlannedTime] = []
    refusal: RunRefused | None = None
    if request.method == "POST" and form.is_valid():
        require_pipeline(request.user, "lineage.add_backfill", form.order().pipeline)
        try:
            if "check" not in request.POST:
                made = create_backfill(form.order(), request.user.get_username(), form.cleaned_data["max_active"])
                messages.success(request, f"Backfill {made.pk} of {made.pipeline} was ordered. Its runs begin shortly.")
                return _to(made)
            planned = plan_backfill(form.order())
        except RunRefused as refused:
            refusal = refused
    context: dict[str, Any] = {"form": form, "refusal": refusal}
    if planned:
        run = sum(time.is_run for time in planned)
        context |= {"table": PlanTable(planned[:_PREVIEWED]), "runs": run, "times": len(planned), "shown": _PREVIEWED}
    wrong = form.is_bound and (refusal is not None or not form.is_valid())
    # htmx shows no page that is refused; what is only checked is none.
    status = 400 if wrong and "check" not in request.POST else None
    return page_response(request, "medallion/backfill_form.html", "New backfill", context, status)


def change_backfill(request: HttpRequest, backfill_id: int, verb: str) -> HttpResponse:
    """Asks why, then pauses, resumes or cancels."""
    shown = get_object_or_404(Backfill, pk=backfill_id)
    act, effect = _CHANGES[verb]
    if request.method == "POST":
        try:
            changed = act(shown.pk, request.user.get_username(), request.POST.get("reason", "").strip())
            messages.success(request, f"Backfill {changed.pk} is {changed.state}.")
        except RunRefused as refusal:
            messages.error(request, f"{refusal} {refusal.hint}")
        return _to(shown)
    context = {"backfill": shown, "verb": verb, "effect": effect, "progress": progress_of([shown])[shown.pk]}
    return page_response(request, "medallion/backfill_change.html", f"{verb.title()} backfill {shown.pk}", context)


def _with_runs(shown: Backfill, times: list[BackfillTime]) -> list[TimeSummary]:
    runs = {run.logical_time: run for run in shown.runs.filter(logical_time__in=[time.logical_time for time in times])}
    return [TimeSummary(time, runs.get(time.logical_time)) for time in times]


def _to(shown: Backfill) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:backfill", args=[shown.pk]))
