"""What lists of runs can be narrowed to."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db import connection

from lineage.models import PipelineRun
from lineage.states import RunStatus


class RunFilter(filters.FilterSet):
    """By status and by pipeline; both have an index."""

    status = filters.ChoiceFilter(choices=RunStatus.choices, empty_label="any")
    pipeline = filters.ChoiceFilter(field_name="pipeline_name", label="Pipeline", empty_label="any")

    class Meta:
        model = PipelineRun
        fields = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.filters["pipeline"].extra["choices"] = [(name, name) for name in pipeline_names()]


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
