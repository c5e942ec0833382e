"""What lists of exceptions can be narrowed to."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from lineage.models import Batch, Target, TargetInput
from lineage.permissions import within
from quality.models import ExceptionBreach, QualityException, QualityIssue
from quality.permissions import VIEW
from quality.states import UNRESOLVED_STATES, ExceptionState

UNRESOLVED = "unresolved"
LISTED_BATCHES = 50  # of one file: more have the same name only where a source sends it each time
TELLING = 3  # characters of a key
Rows = QuerySet[Any, Any]


class ExceptionFilter(filters.FilterSet):
    """By target, cause, state, and the beginning of the row's key. No state chosen: what nobody has resolved. With a
    `request`, rows and choices are those that its user may see."""

    target = filters.ChoiceFilter(field_name="target_table", label="Target", empty_label="any")
    rule = filters.ModelChoiceFilter(
        queryset=lambda request: _seen(request, QualityIssue.objects.order_by("target", "title")),
        method="of_cause",
        label="Rule",
        empty_label="any",
    )
    state = filters.ChoiceFilter(
        choices=[*ExceptionState.choices, ("any", "any")], method="in_state", label="State", empty_label=UNRESOLVED
    )
    key = filters.CharFilter(method="with_key", label="Key begins with")

    batch = filters.NumberFilter(field_name="batch_id", min_value=1, label="Found by batch")
    file = filters.CharFilter(method="of_file", label="File")
    assignee = filters.CharFilter(method="assigned_to", label="Assigned to")
    # The page's place in the list is "before" and "after" already.
    found_before = filters.DateFilter(
        method="of_days_before", label="Found before", widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = QualityException
        fields = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "target" in self.filters:
            self.queryset = _seen(self.request, self.queryset, "target_table")  # type: ignore[has-type]
            known = Target.objects.filter(issues__isnull=False)
            names = _seen(self.request, known).order_by("pk").distinct()
            self.filters["target"].extra["choices"] = [(each.pk, each.pk) for each in names.only("pk")]
        if "rule" in self.filters:
            self.filters["rule"].field.label_from_instance = lambda issue: f"{issue.target_id}: {issue.title}"

    def filter_queryset(self, queryset: Rows) -> Rows:
        if not self.form.cleaned_data.get("state"):
            # The condition of the index quality_exc_open_idx, literally.
            queryset = queryset.filter(state__in=UNRESOLVED_STATES)
        narrowed: Rows = super().filter_queryset(queryset)
        return narrowed

    @property
    def leaves_few(self) -> bool:
        """Whether it names few rows, which have an index of their own. The beginning of a key does not if it is short:
        many rows fit, and the latest are found soon."""
        said = self.form.cleaned_data if self.form.is_valid() else {}
        return (
            bool(said.get("file"))
            or len(said.get("key") or "") >= TELLING
            or said.get("state") == ExceptionState.REJECTED
        )

    def of_cause(self, queryset: Rows, name: str, value: QualityIssue) -> Rows:
        return queryset.filter(Exists(ExceptionBreach.objects.filter(exception=OuterRef("pk"), issue=value)))

    def in_state(self, queryset: Rows, name: str, value: str) -> Rows:
        return queryset if value == "any" else queryset.filter(state=value)

    def with_key(self, queryset: Rows, name: str, value: str) -> Rows:
        return queryset.filter(source_id__startswith=value)

    def of_file(self, queryset: Rows, name: str, value: str) -> Rows:
        """The rows that a file brought, by the ranges of ids of its batches. Uses index quality_exceptions_once."""
        found = Batch.objects.filter(source_file=value, first_bronze_id__isnull=False, last_bronze_id__isnull=False)
        brought, sources = Q(pk__in=[]), set()
        for batch in found.order_by("batch_no")[:LISTED_BATCHES]:
            sources.add(batch.target_id)
            brought |= Q(
                source_table=batch.target_id, bronze_id__gt=batch.first_bronze_id, bronze_id__lte=batch.last_bronze_id
            )
        tables = TargetInput.objects.filter(source__in=sources).values_list("consumer", flat=True)
        return queryset.filter(brought, target_table__in=list(tables))

    def assigned_to(self, queryset: Rows, name: str, value: str) -> Rows:
        issues = list(QualityIssue.objects.filter(assignee__username=value).values_list("pk", flat=True))
        return queryset.filter(Exists(ExceptionBreach.objects.filter(exception=OuterRef("pk"), issue__in=issues)))

    def of_days_before(self, queryset: Rows, name: str, value: date) -> Rows:
        return queryset.filter(detected_at__lt=midnight(value))


def _seen(request: HttpRequest | None, rows: Rows, target: str = "target") -> Rows:
    """What the person who asks may see; all, where nobody asks."""
    return rows if request is None else within(rows, request.user, VIEW, target)


def midnight(day: date | None) -> datetime | None:
    """The beginning of a day where the reader is."""
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


class BreachFilter(ExceptionFilter):
    """The same for the rows of one cause."""

    target = rule = batch = file = assignee = found_before = None

    class Meta:
        model = QualityException
        fields = ()
