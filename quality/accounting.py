"""The accounting line: every bronze row has exactly one outcome for each silver table. The engine measures it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

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
    """One line for each silver table, or for some, by name. One query; uses index quality_metrics_idx."""
    metrics = QualityMetric.objects.filter(table_name=OuterRef("target"), metric_name=METRIC).order_by("-measured_at")
    latest = metrics.values(json=JSONObject(at="measured_at", gap="metric_value", details="details"))[:1]
    silver = Target.objects.filter(layer=Target.Layer.SILVER).order_by("target")
    tables = silver if within is None else silver.filter(pk__in=within)
    return [_line(table, metric) for table, metric in tables.values_list("target", Subquery(latest))]


def _line(table: str, metric: dict[str, Any] | None) -> AccountingLine:
    if metric is None:
        return AccountingLine(table)
    details: dict[str, Any] = metric["details"] or {}
    # "bronze.raw_customers rows": one entry for each source of the table.
    sources = [number for name, number in details.items() if name.endswith(" rows")]
    return AccountingLine(
        table=table,
        measured_at=datetime.fromisoformat(metric["at"]),
        bronze_rows=sum(sources) if sources else None,
        outcomes=tuple(details.get(outcome, 0) for outcome in OUTCOMES),
        gap=None if metric["gap"] is None else int(metric["gap"]),
    )
