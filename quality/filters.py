"""What lists of exceptions can be narrowed to."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet

from lineage.models import Target
from quality.models import ExceptionBreach, QualityException, QualityIssue
from quality.states import UNRESOLVED_STATES, ExceptionState

UNRESOLVED = "unresolved"
Rows = QuerySet[Any, Any]


class ExceptionFilter(filters.FilterSet):
    """By target, cause, state, and the beginning of the row's key. No state chosen: what nobody has resolved."""

    target = filters.ModelChoiceFilter(
        field_name="target_table", queryset=Target.objects.filter(issues__isnull=False).distinct(), empty_label="any"
    )
    # The view answers this one: a cause has a page of its own.
    rule = filters.ModelChoiceFilter(
        queryset=QualityIssue.objects.order_by("target", "title"), method="unchanged", label="Rule", empty_label="any"
    )
    state = filters.ChoiceFilter(
        choices=[*ExceptionState.choices, ("any", "any")], method="in_state", label="State", empty_label=UNRESOLVED
    )
    key = filters.CharFilter(method="with_key", label="Key begins with")

    class Meta:
        model = QualityException
        fields = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "rule" in self.filters:
            self.filters["rule"].field.label_from_instance = lambda issue: f"{issue.target_id}: {issue.title}"

    def filter_queryset(self, queryset: Rows) -> Rows:
        if not self.form.cleaned_data.get("state"):
            # The condition of the index quality_exc_open_idx, literally.
            queryset = queryset.filter(state__in=UNRESOLVED_STATES)
        narrowed: Rows = super().filter_queryset(queryset)
        return narrowed

    def unchanged(self, queryset: Rows, name: str, value: QualityIssue) -> Rows:
        return queryset

    def in_state(self, queryset: Rows, name: str, value: str) -> Rows:
        return queryset if value == "any" else queryset.filter(state=value)

    def with_key(self, queryset: Rows, name: str, value: str) -> Rows:
        return queryset.filter(source_id__startswith=value)


class BreachFilter(ExceptionFilter):
    """The same for the rows of one cause, which carry the state and the source_id of their exception."""

    target = None
    rule = None

    class Meta:
        model = ExceptionBreach
        fields = ()
