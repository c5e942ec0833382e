"""The pages with which a steward decides about rows of a cause, and those of the decisions that were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from lineage.keyset import keyset_page
from lineage.pages import page_response
from lineage.permissions import within
from quality import choosing, resolution
from quality.asking import Question, in_words, question
from quality.forms import DecisionForm
from quality.models import QualityDecision, QualityIssue
from quality.permissions import APPROVE, VIEW, may_decide
from quality.preview import preview
from quality.resolution import DecisionRefused
from quality.states import DecisionState, DecisionVerb
from quality.tables import DecisionTable


def decide(request: HttpRequest, issue_id: int) -> HttpResponse:
    """A form about the rows with `?value=`, without one (`?absent=1`) or all; shown, then done as it was shown."""
    issue = get_object_or_404(QualityIssue.objects.select_related("target"), pk=issue_id)
    asked = question(issue, _values(request))
    return _asked(
        request, asked, {"issue": issue, "target": issue.target, "back": reverse("admin:issue", args=[issue_id])}
    )


def decide_rows(request: HttpRequest) -> HttpResponse:
    """The same about rows that were chosen one by one, or all that the list is narrowed to: those there are now."""
    if not {"chosen", "up_to"} & request.GET.keys():
        return HttpResponseRedirect(f"{request.path}?{choosing.with_limit(request.GET)}")
    back = f"{reverse('admin:exception_rows')}?{request.GET.urlencode()}"
    try:
        asked = choosing.question(request)
    except choosing.CannotChoose as reason:
        messages.error(request, str(reason))
        return HttpResponseRedirect(back)
    return _asked(request, asked, {"target": asked.target, "back": back})


def _asked(request: HttpRequest, asked: Question | choosing.RowsQuestion, about: dict[str, Any]) -> HttpResponse:
    alone = may_decide(request.user, asked.selection.target)
    form = DecisionForm(asked, request.POST or None, alone=alone, verb=request.GET.get("verb", ""))
    context: dict[str, Any] = {"form": form, "asked": form.asked, **about}
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
    """What people decided, the latest first; `?waiting=1`: proposals of others, which the reader may approve."""
    waiting = "waiting" in request.GET
    shown = within(QualityDecision.objects.select_related("author"), request.user, APPROVE if waiting else VIEW)
    if waiting:
        shown = shown.filter(state=DecisionState.PROPOSED).exclude(author=request.user.pk)
    page = keyset_page(request, shown, "pk")
    context = {"table": DecisionTable(page.rows, keyset=page), "is_empty": not page.rows, "waiting": waiting}
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
    context["may_stop"] = context["can_stop"] and (context["own"] or may_decide(request.user, shown.target_id))
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
    """Withdraws a proposal, or cancels what is left of a decision. Who may only propose takes back their own."""
    shown = _found(decision_id)
    if shown.author_id != request.user.pk and not may_decide(request.user, shown.target_id):
        raise PermissionDenied("A decision of somebody else's is stopped with the permission quality.decide.")
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
