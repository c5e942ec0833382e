"""The pages of gates and of the history of rules and checks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode

from lineage.models import Target
from lineage.pages import page_response
from lineage.permissions import may, targets_of
from quality import gates, history
from quality.gate_forms import PassForm, SeverityForm
from quality.models import QualityIssue, QualityRule
from quality.permissions import OVERRIDE, VIEW
from quality.resolution import DecisionRefused


def held(request: HttpRequest) -> HttpResponse:
    """All gates that hold something back."""
    return page_response(
        request, "quality/gates.html", "Gates", {"gates": gates.held_gates(within=targets_of(request.user, VIEW))}
    )


def gate(request: HttpRequest, name: str) -> HttpResponse:
    """One table's gate: what it refused, why, what waits behind it; a form that lets it pass."""
    target = get_object_or_404(Target, pk=name)
    waiting = gates.waiting_at(name)
    form = PassForm(request.POST or None, initial={"up_to": waiting.newest})
    context: dict[str, Any] = {"target": target, "waiting": waiting, "form": form}
    if request.method == "POST":
        _require(request, name)
        if form.is_valid():
            said = form.cleaned_data
            try:
                passed = gates.let_pass(name, said["up_to"], said["reason"], request.user.get_username())
                messages.success(request, f"{passed} batches may pass. Run the pipeline again, or resume its run.")
                return HttpResponseRedirect(request.path)
            except DecisionRefused as refusal:
                context["refused"] = refusal
    held_now = gates.held_gates(name)
    context["gate"] = held_now[0] if held_now else None
    context["evidence"] = gates.evidence(held_now[0].step) if held_now else []
    context["overrides"] = list(gates.overrides_of(name)[: gates.SHOWN])
    passed_now = {(override.details or {}).get("batch_no") for override in context["overrides"]}
    context["may_pass"] = bool(held_now and waiting.batches) and passed_now >= {b.batch_no for b in waiting.batches}
    wrong = "refused" in context or (form.is_bound and not form.is_valid())
    return page_response(request, "quality/gate.html", f"Gate of {name}", context, 400 if wrong else None)


def rule(request: HttpRequest) -> HttpResponse:
    """The history of the rule or check `?name=` of the table `?table=`; a form that changes what follows from it."""
    table, name = request.GET.get("table", ""), request.GET.get("name", "")
    versions = list(QualityRule.objects.filter(target=table, rule=name).order_by("-active", "-pk"))
    if not versions:
        said = {"table": table, "name": name}
        return page_response(request, "quality/no_rule.html", "No such rule", said, status=404)
    shown = versions[0]
    form = SeverityForm(shown, request.POST or None)
    context: dict[str, Any] = {"rule": shown, "versions": versions, "form": form}
    if request.method == "POST":
        _require(request, table)
        if form.is_valid():
            changed: dict[str, Any] = {key: value or None for key, value in form.cleaned_data.items()}
            try:
                first = gates.override_rule(table, name, **changed, by=request.user.get_username())
                messages.success(request, f"It counts from batch {first} on.")
                return HttpResponseRedirect(f"{reverse('admin:rule')}?{urlencode({'table': table, 'name': name})}")
            except DecisionRefused as refusal:
                context["refused"] = refusal
    metrics = history.metrics_of(shown)
    context |= {
        "governing": history.governing(shown),
        "overrides": history.overrides_of(shown),
        "metrics": [(metric, history.shown_value(metric)) for metric in metrics],
        "chart": history.chart(metrics),
        "issue": QualityIssue.objects.filter(target=table, rule=name).order_by("-pk").first(),
    }
    wrong = "refused" in context or (form.is_bound and not form.is_valid())
    return page_response(request, "quality/rule.html", name, context, 400 if wrong else None)


def _require(request: HttpRequest, target: str) -> None:
    if not may(request.user, OVERRIDE, target):
        raise PermissionDenied("Letting batches pass, and changing severities, needs the permission quality.override.")
