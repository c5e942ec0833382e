"""Reading runs: what a list of runs shows beside their own columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from lineage.models import Batch, PipelineRun, Step
from lineage.permissions import targets_of

ROWS_WRITTEN = Coalesce(F("rows_inserted"), 0) + Coalesce(F("rows_updated"), 0) + Coalesce(F("rows_deleted"), 0)
DONE = ("succeeded", "skipped")


@dataclass(frozen=True)
class RunSummary:
    """A run with the sums over its steps and its batches."""

    run: PipelineRun
    steps: int
    steps_done: int
    rows_written: int

    @property
    def duration(self) -> timedelta | None:
        """How long it took, or has taken so far; None before it starts."""
        return duration_of(self.run)


def runs_within(user: Any) -> QuerySet[PipelineRun, PipelineRun]:
    """The runs of which somebody may see a step. Uses index run_steps_once."""
    seen = targets_of(user, "lineage.view_pipelinerun")
    if seen is None:
        return PipelineRun.objects.all()
    return PipelineRun.objects.filter(Exists(Step.objects.filter(run=OuterRef("pk"), target__in=seen)))


def duration_of(run: PipelineRun) -> timedelta | None:
    """From start to end, or to now while it lives; None before it starts."""
    if run.started_at is None:
        return None
    return (run.completed_at or timezone.now()) - run.started_at


def summarise(runs: Sequence[PipelineRun]) -> list[RunSummary]:
    """The runs in their order, with their sums: two queries, whatever their number.

    Uses indexes run_steps_once and batches_run_idx.
    """
    steps = {
        row["run_id"]: row
        for row in Step.objects.filter(run__in=[run.pk for run in runs])
        .order_by()
        .values("run_id")
        .annotate(all=Count("id"), done=Count("id", filter=Q(state__in=DONE)))
    }
    written: dict[Any, int] = dict(
        Batch.objects.filter(batch_id__in=[run.batch_id for run in runs])
        .order_by()
        .values_list("batch_id")
        .annotate(rows=Sum(ROWS_WRITTEN))
    )
    nothing = {"all": 0, "done": 0}
    return [
        RunSummary(
            run=run,
            steps=steps.get(run.pk, nothing)["all"],
            steps_done=steps.get(run.pk, nothing)["done"],
            rows_written=written.get(run.batch_id, 0),
        )
        for run in runs
    ]
