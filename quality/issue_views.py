"""The page of one cause, what people do about it there, and the corrections that hold for its rows to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, JSONObject
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from lineage.pages import page_response
from lineage.permissions import within
from quality import resolution, tending
from quality.asking import question
from quality.causes import OpenRows, described, issues
from quality.fixing import FixForm
from quality.issue_forms import CommentForm, SnoozeForm
from quality.issue_models import CorrectionRule, IssueEvent
from quality.models import QualityIssue
from quality.permissions import VIEW
from quality.preview import preview
from quality.resolution import DecisionRefused
from quality.suggesting import meaning

VALUES = 12
EVENTS = 20
SAMPLED = 1_000  # latest rows in which frequent values are counted


@dataclass(frozen=True)
class ValueRow:
    """A frequent value, how often it came in a sample, and the text that may be meant."""

    value: str | None
    times: int
    suggested: str | None

    @property
    def can_be_typed(self) -> bool:
        """Whether a form sends it back as it is; the others have a page of their own."""
        return self.value is not None and self.value.isprintable()


def about(issue_id: int) -> dict[str, Any]:
    """What the page of a cause shows beside its rows."""
    shown = get_object_or_404(issues().annotate(recent=ArraySubquery(_recent())), pk=issue_id)
    (cause,) = described([shown], OpenRows({}), VALUES, SAMPLED)
    accepted = shown.definition.get("values", []) if shown.kind == "one_of" else []
    return {
        "issue": shown,
        "cause": cause,
        "values": [ValueRow(value, times, _meant(value, accepted)) for value, times in cause.values],
        "events": [{**event, "at": datetime.fromisoformat(event["at"])} for event in shown.recent],
        "has_rows": cause.has_rows,
        "snooze": SnoozeForm(),
        "comment": CommentForm(),
    }


def fix(request: HttpRequest, issue_id: int) -> HttpResponse:
    """What is said for a cause's values, or how they are mended: shown, then done as it was shown."""
    issue = get_object_or_404(QualityIssue.objects.select_related("target"), pk=issue_id)
    if request.method != "POST":
        return HttpResponseRedirect(reverse("admin:issue", args=[issue_id]))
    olds = request.POST.getlist("from") + request.POST.getlist("none")
    form = FixForm(question(issue, tuple(olds[:1])), request.POST)
    context: dict[str, Any] = {"form": form, "issue": issue}
    if form.is_valid():
        decision = form.decision(request.user.get_username())
        try:
            if "confirm" in request.POST and request.POST.get("seen") == form.seen:
                made = resolution.decide(decision)
                if form.cleaned_data["future"]:
                    tending.keep_correcting(made.pk, by=decision.by)
                messages.success(request, f"Decision {made.pk} is {made.state}.")
                return HttpResponseRedirect(reverse("admin:decision", args=[made.pk]))
            context |= {"preview": preview(decision), "changed": "confirm" in request.POST}
        except DecisionRefused as refusal:
            context["refused"] = refusal
    return page_response(request, "quality/fix.html", "Correct", context, 200 if "preview" in context else 400)


def assign(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Gives the issue to the person who asks, or to nobody."""
    me = request.user.get_username()
    to = me if "mine" in request.POST else None
    return _acted(request, issue_id, lambda: tending.assign(issue_id, to, by=me))


def snooze(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Lets the issue rest as its form says; an empty one wakes it."""
    form = SnoozeForm(request.POST)
    if request.method == "POST" and not form.is_valid():
        return _refused(request, issue_id, "; ".join(str(error) for errors in form.errors.values() for error in errors))
    return _acted(
        request,
        issue_id,
        lambda: tending.snooze(
            issue_id, form.cleaned_data["until"], form.cleaned_data["above"], by=request.user.get_username()
        ),
    )


def comment(request: HttpRequest, issue_id: int) -> HttpResponse:
    """Keeps a comment."""
    text = request.POST.get("text", "")[:2000]
    return _acted(request, issue_id, lambda: tending.comment(issue_id, text, by=request.user.get_username()))


def correction_rules(request: HttpRequest) -> HttpResponse:
    """The corrections that hold for rows to come, with what they have decided."""
    return page_response(
        request,
        "quality/correction_rules.html",
        "Correction rules",
        {"rules": within(_rules(), request.user, VIEW, "issue__target")},
    )


def end_correction_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Switches a correction rule off."""
    get_object_or_404(CorrectionRule, pk=rule_id)
    if request.method == "POST":
        try:
            tending.end_rule(rule_id, by=request.user.get_username())
        except DecisionRefused as refusal:
            messages.error(request, f"Nothing was done. {refusal}")
        else:
            messages.success(request, "It corrects no more. What it has corrected stays.")
    return HttpResponseRedirect(reverse("admin:correction_rules"))


def _rules() -> QuerySet[CorrectionRule, CorrectionRule]:
    return (
        CorrectionRule.objects.select_related("issue", "author", "ended_by")
        .annotate(
            made=Count("decisions"),
            selected=Coalesce(Sum("decisions__selected"), 0),
            landed=Coalesce(Sum("decisions__landed"), 0),
            waiting=Count("decisions", filter=Q(decisions__state="proposed")),
        )
        .order_by("-active", "-pk")
    )


def _recent() -> QuerySet[Any, Any]:
    """The latest acts about the issue at hand, as JSON: they come with the issue."""
    acts = IssueEvent.objects.filter(issue=OuterRef("pk")).order_by("-at", "-pk")
    return acts.values(json=JSONObject(act="act", text="text", author="author__username", at="at"))[:EVENTS]


def _meant(value: str | None, accepted: list[Any]) -> str | None:
    suggestion = meaning(value, accepted) if value else None
    return suggestion.example[1] if suggestion else None


def _acted(request: HttpRequest, issue_id: int, act: Callable[[], None]) -> HttpResponse:
    get_object_or_404(QualityIssue, pk=issue_id)
    if request.method == "POST":
        try:
            act()
        except DecisionRefused as refusal:
            return _refused(request, issue_id, str(refusal))
    return HttpResponseRedirect(reverse("admin:issue", args=[issue_id]))


def _refused(request: HttpRequest, issue_id: int, why: str) -> HttpResponse:
    messages.error(request, f"Nothing was done. {why}")
    return HttpResponseRedirect(reverse("admin:issue", args=[issue_id]))
