"""The tables that pages about exceptions are about (lineage.pages.Page.about): permissions have to hold for them."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from quality.choosing import chosen_rows
from quality.issue_models import CorrectionRule
from quality.models import QualityDecision, QualityException, QualityIssue


def of_issue(request: HttpRequest, issue_id: int) -> Iterable[str]:
    return QualityIssue.objects.filter(pk=issue_id).values_list("target_id", flat=True)


def of_exception(request: HttpRequest, exception_id: int) -> Iterable[str]:
    return QualityException.objects.filter(pk=exception_id).values_list("target_table_id", flat=True)


def of_decision(request: HttpRequest, decision_id: int) -> Iterable[str]:
    return QualityDecision.objects.filter(pk=decision_id).values_list("target_id", flat=True)


def of_correction_rule(request: HttpRequest, rule_id: int) -> Iterable[str]:
    return CorrectionRule.objects.filter(pk=rule_id).values_list("issue__target_id", flat=True)


def of_chosen(request: HttpRequest) -> Iterable[str]:
    """Of rows that are chosen one by one, or the table that the list is narrowed to."""
    if chosen := chosen_rows(request):
        return set(QualityException.objects.filter(pk__in=chosen).values_list("target_table_id", flat=True))
    return [request.GET["target"]] if request.GET.get("target") else []
