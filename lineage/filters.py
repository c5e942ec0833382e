"""What lists of runs can be narrowed to."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from lineage.models import PipelineRun
from lineage.states import RunStatus

Runs = QuerySet[PipelineRun, PipelineRun]
DAY = forms.DateInput(attrs={"type": "date"})
_SLACK = timedelta(days=1)  # numbers are given in the order of requests, but for transactions that took their time


class RunFilter(filters.FilterSet):
    """By status, by pipeline, and by the days on which they were requested; each has an index."""

    status = filters.ChoiceFilter(choices=RunStatus.choices, empty_label="any")
    pipeline = filters.ChoiceFilter(field_name="pipeline_name", label="Pipeline", empty_label="any")

    since = filters.DateFilter(method="from_day", label="From", widget=DAY)
    until = filters.DateFilter(method="to_day", label="To", widget=DAY)

    class Meta:
        model = PipelineRun
        fields = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.filters["pipeline"].extra["choices"] = [(name, name) for name in pipeline_names()]

    def from_day(self, runs: Runs, name: str, day: date) -> Runs:
        """Runs of that day in TIME_ZONE and later."""
        begin = _midnight(day)
        return runs.filter(created_at__gte=begin, run_id__gte=_first_since(begin - _SLACK) or 0)

    def to_day(self, runs: Runs, name: str, day: date) -> Runs:
        """Runs of that day in TIME_ZONE and earlier."""
        end = _midnight(day) + timedelta(days=1)
        last = _first_since(end + _SLACK)
        runs = runs.filter(created_at__lt=end)
        return runs if last is None else runs.filter(run_id__lte=last)


def _midnight(day: date) -> datetime:
    """When the day begins; of days that no run can be of, the nearest one that has a day before and after it."""
    return timezone.make_aware(datetime.combine(min(max(day, date(1900, 1, 1)), date(9000, 1, 1)), time.min))


def _first_since(moment: datetime) -> int | None:
    """The number of the first run requested at `moment` or later. Uses index pipeline_runs_created_idx.

    Runs are listed by number; with a bound of that too, days long ago are found without reading all that came since.
    """
    found = PipelineRun.objects.filter(created_at__gte=moment).order_by("created_at")
    return found.values_list("run_id", flat=True).first()


def pipeline_names() -> list[str]:
    """The pipelines that have ever run. Uses index pipeline_runs_name_idx, one step for each name: DISTINCT would
    read every run."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE names (name) AS (
                (SELECT pipeline_name FROM dwh_lineage.pipeline_runs ORDER BY pipeline_name LIMIT 1)
                UNION ALL
                SELECT (
                    SELECT r.pipeline_name FROM dwh_lineage.pipeline_runs AS r
                    WHERE r.pipeline_name > n.name ORDER BY r.pipeline_name LIMIT 1
                )
                FROM names AS n WHERE n.name IS NOT NULL
            )
            SELECT name FROM names WHERE name IS NOT NULL
            """
        )
        return [name for (name,) in cursor.fetchall()]
