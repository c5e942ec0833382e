"""The pages with which a steward decides about rows of a cause, and those of the decisions that were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from lineage.keyset import keyset_page
from lineage.pages import page_response
from quality import resolution
from quality.asking import in_words, question
from quality.forms import DecisionForm
from quality.models import QualityDecision, QualityIssue
from quality.preview import preview
from quality.resolution import DecisionRefused
from quality.states import DecisionState, DecisionVerb
from quality.tables import DecisionTable


def decide(request: HttpRequest, issue_id: int) -> HttpResponse:
    """A form about the rows with `?value=`, without one (`?absent=1`) or all; shown, then done as it was shown."""
    issue = get_object_or_404(QualityIssue.objects.select_related("target"), pk=issue_id)
    form = DecisionForm(question(issue, _values(request)), request.POST or None)
    context: dict[str, Any] = {"form": form, "asked": form.asked, "issue": issue}
    if form.is_bound and form.is_valid():
        decision = form.decision(request.user.get_username())
        try:
            if "confirm" in request.POST and request.POST.get("seen") == form.seen:
                made = resolution.decide(decision)
                messages.success(request, f"Decision {made.pk} is {made.state}.")
                return _to(made)
            context |= {"preview": preview(decision), "changed": "confirm" in request.POST}
        except DecisionRefused as refusal:
            context["refused"] = refusal
    wrong = (form.is_bound and not form.is_valid()) or "refused" in context
    return page_response(request, "quality/decide.html", "Decide", context, 400 if wrong else None)


def decisions(request: HttpRequest) -> HttpResponse:
    """What people decided, the latest first."""
    page = keyset_page(request, QualityDecision.objects.select_related("author"), "pk")
    context = {"table": DecisionTable(page.rows, keyset=page), "is_empty": not page.rows}
    return page_response(request, "quality/decisions.html", "Decisions", context)


def decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    """One decision: who, when, why, about what, and how far it has come."""
    shown = _found(decision_id)
    context = {
        "decision": shown,
        "selection": in_words(shown, _titles(shown)),
        "patch": (shown.patch or {}).items(),
        "outcomes": _outcomes(shown),
        "undone_by": QualityDecision.objects.filter(undoes=shown).first(),
        "own": shown.author_id == request.user.pk,
        "is_live": shown.state == DecisionState.QUEUED,
        "can_stop": shown.state in (DecisionState.PROPOSED, DecisionState.QUEUED),
    }
    context["can_undo"] = (
        shown.verb != DecisionVerb.UNDO
        and shown.state in (DecisionState.DONE, DecisionState.CANCELLED)
        and not context["undone_by"]
    )
    return page_response(request, "quality/decision.html", f"Decision {decision_id}", context)


def approve(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Lets a proposal take effect."""
    return _confirmed(request, decision_id, "Approve", "Its rows are changed as soon as a worker is free.",
                      lambda by, _: resolution.approve(decision_id, by=by))  # fmt: skip


def stop(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Withdraws a proposal, or cancels what is left of a decision."""
    return _confirmed(request, decision_id, "Stop", "Rows that wait are open again. What has landed stays.",
                      lambda by, _: resolution.stop(decision_id, by=by))  # fmt: skip


def undo(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Undoes it by a decision of its own."""
    happens = "Each row is as it was before. Rows that a later decision has changed are left alone."
    return _confirmed(request, decision_id, "Undo", happens,
                      lambda by, reason: resolution.undo(decision_id, by=by, reason=reason), asks_why=True)  # fmt: skip


def _confirmed(
    request: HttpRequest,
    decision_id: int,
    title: str,
    happens: str,
    act: Callable[[str, str], QualityDecision],
    asks_why: bool = False,
) -> HttpResponse:
    """Says what will happen; when it is sent, does it, or says why it was refused."""
    shown = _found(decision_id)
    refused: DecisionRefused | None = None
    if request.method == "POST":
        try:
            made = act(request.user.get_username(), request.POST.get("reason", "").strip())
        except DecisionRefused as refusal:
            refused = refusal
        else:
            messages.success(request, f"Decision {made.pk} is {made.state}.")
            return _to(made)
    context = {
        "decision": shown,
        "selection": in_words(shown, _titles(shown)),
        "happens": happens,
        "refused": refused,
        "asks_why": asks_why,
    }
    return page_response(request, "quality/decision_act.html", title, context, 409 if refused else None)


def _values(request: HttpRequest) -> tuple[str | None, ...]:
    if "absent" in request.GET:
        return (None,)
    return (request.GET["value"],) if "value" in request.GET else ()


def _found(decision_id: int) -> QualityDecision:
    return get_object_or_404(QualityDecision.objects.select_related("author", "approver"), pk=decision_id)


def _titles(shown: QualityDecision) -> dict[int, str]:
    return dict(QualityIssue.objects.filter(pk=shown.selection.get("issue", 0)).values_list("pk", "title"))


def _outcomes(shown: QualityDecision) -> list[dict[str, Any]]:
    """How many rows came to which end, each with its part of a bar of 1000."""
    ends = {"landed": "landed", "still fail": "open", "rejected": "rejected", "overtaken": "superseded"}
    counts = (shown.landed, shown.failing, shown.rejected, shown.overtaken)
    found, x = [], 0
    for (label, state), rows in zip(ends.items(), counts, strict=True):
        width = round(1000 * rows / shown.selected) if shown.selected else 0
        found.append({"label": label, "state": state, "count": rows, "x": x, "width": width})
        x += width
    return found


def _to(made: QualityDecision) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:decision", args=[made.pk]))
