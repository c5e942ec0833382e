"""The accounting line: every bronze row has exactly one outcome for each silver table. The engine measures it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from lineage.models import Target
from quality.models import QualityMetric

METRIC = "accounting"
OUTCOMES = (
    "current",
    "history",
    "unchanged",
    "frozen",
    "superseded",
    "deleted",
    "excluded",
    "quarantined",
    "rejected",
    "skipped",
    "waiting",
)


@dataclass(frozen=True)
class AccountingLine:
    """The latest measurement of a silver table; measured_at is None where there has been none."""

    table: str
    measured_at: datetime | None = None
    bronze_rows: int | None = None
    outcomes: tuple[int | None, ...] = (None,) * len(OUTCOMES)
    gap: int | None = None  # rows without an outcome: more than 0 is rows lost, less is rows counted twice


def accounting_lines(within: Collection[str] | None = None) -> list[AccountingLine]:
    """One line for each silver table, or for some, by name. Two queries; uses index quality_metrics_idx."""
    latest = QualityMetric.objects.filter(table_name=OuterRef("target"), metric_name=METRIC).order_by("-measured_at")
    silver = Target.objects.filter(layer=Target.Layer.SILVER)
    tables = list(
        (silver if within is None else silver.filter(pk__in=within))
        .order_by("target")
        .values_list("target", Subquery(latest.values("pk")[:1]))
    )
    metrics = QualityMetric.objects.in_bulk([pk for _, pk in tables if pk])
    return [_line(table, metrics.get(pk)) for table, pk in tables]


def _line(table: str, metric: QualityMetric | None) -> AccountingLine:
    if metric is None:
        return AccountingLine(table)
    details: dict[str, Any] = metric.details or {}
    # "bronze.raw_customers rows": one entry for each source of the table.
    sources = [number for name, number in details.items() if name.endswith(" rows")]
    return AccountingLine(
        table=table,
        measured_at=metric.measured_at,
        bronze_rows=sum(sources) if sources else None,
        outcomes=tuple(details.get(outcome, 0) for outcome in OUTCOMES),
        gap=None if metric.metric_value is None else int(metric.metric_value),
    )
