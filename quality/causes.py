"""Causes of exceptions: the issues with their counts, read from counters and samples, never by counting rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from quality.models import QualityIssue, QualityRule
from quality.suggesting import Suggestion, Suspect, suggestion, ways
from quality.surroundings import SAMPLED, Around, surroundings


@dataclass(frozen=True)
class Cause:
    """An issue, how many open rows break its rule, and which part of its target's open rows that is."""

    issue: QualityIssue
    open: int
    share: float | None  # None where no row of the target is open
    around: Around = field(default_factory=Around)
    suggestion: Suggestion | None = None

    @property
    def has_rows(self) -> bool:
        """False: it is about a table or a pipeline as a whole (quality/issues.py), which no batch brought."""
        return self.issue.first_batch_id is not None

    @property
    def values(self) -> list[tuple[str | None, int]]:
        return self.around.values

    @property
    def examples(self) -> list[str]:
        """Frequent values that say more than the title: an absent one is named by the rule already."""
        shown = self.issue.offending_value
        return [value for value, _ in self.around.values if value is not None and value != shown]

    @property
    def permille(self) -> int:
        """The share as a length, for a bar."""
        return round((self.share or 0) * 1000)

    @property
    def weight(self) -> int:
        """Rows times the tables that wait for them, the own one among them."""
        return self.open * (1 + len(self.around.downstream))

    @property
    def is_snoozed(self) -> bool:
        return self.issue.is_snoozed(self.open)

    @property
    def trend_line(self) -> str:
        """The trend as points of a polyline, 140 by 24."""
        most = max(self.around.trend, default=0) or 1
        step = 140 / max(len(self.around.trend) - 1, 1)
        return " ".join(f"{at * step:.1f},{22 - 20 * count / most:.1f}" for at, count in enumerate(self.around.trend))


@dataclass(frozen=True)
class OpenRows:
    """Unresolved exceptions of all targets, how many came and went today, and when the oldest of them was found."""

    by_target: dict[str, int]
    new: int = 0
    resolved: int = 0
    oldest: datetime | None = None

    @property
    def total(self) -> int:
        return sum(self.by_target.values())

    def share(self, target: str, part: int) -> float | None:
        rows = self.by_target.get(target, 0)
        return part / rows if rows > 0 else None


def open_causes(rows: OpenRows, within: Collection[str] | None = None) -> list[Cause]:
    """The issues that have open rows, those first that hold up most, with what stands around each; of some tables, or
    all. Two queries."""
    found = issues().filter(open__gt=0).order_by("pk")
    causes = described(found if within is None else found.filter(target__in=within), rows)
    return sorted(causes, key=lambda cause: (cause.is_snoozed, -cause.weight, cause.issue.pk))


def issues() -> QuerySet[Any, Any]:
    """Issues with their count as `open`, and with what their rule asks."""
    rule = QualityRule.objects.filter(target=OuterRef("target"), rule=OuterRef("rule"), active=True)
    required = QualityRule.objects.filter(
        target=OuterRef("target"), column_name=OuterRef("column_name"), kind="required", active=True
    )
    return QualityIssue.objects.select_related("first_batch", "assignee").annotate(
        open=Coalesce(Sum("deltas__delta"), 0),
        kind=Subquery(rule.values("kind")[:1]),
        definition=Subquery(rule.values("definition")[:1]),
        is_required=Exists(required),
    )


def described(found: Iterable[Any], rows: OpenRows, values: int = 3, sampled: int = SAMPLED) -> list[Cause]:
    """Issues as issues() gives them, with what is known of them. Two queries."""
    suspects = {i: Suspect(i.pk, i.kind, i.definition or {}, i.offending_value, i.is_required) for i in found}
    tried = [way for issue, suspect in suspects.items() if issue.open > 0 for way in ways(suspect)]
    around = surroundings([issue.pk for issue in suspects], tried, values, sampled)
    return [
        Cause(
            issue,
            issue.open,
            rows.share(issue.target_id, issue.open),
            near := around[issue.pk],
            suggestion(suspect, near.readings) if issue.open > 0 else None,
        )
        for issue, suspect in suspects.items()
    ]


def open_rows(within: Collection[str] | None = None) -> OpenRows:
    """Unresolved exceptions by target, of some or of all, from counters. Uses index quality_exc_open_idx for the
    oldest."""
    names = None if within is None else list(within)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.target, t.rows, t.new, t.resolved, o.detected_at
            FROM (
                SELECT d.target, sum(d.delta)::bigint AS rows,
                    coalesce(sum(d.delta) FILTER (WHERE d.delta > 0 AND d.today), 0)::bigint AS new,
                    coalesce(-sum(d.delta) FILTER (WHERE d.delta < 0 AND d.today), 0)::bigint AS resolved
                FROM (
                    SELECT a.target, a.delta, a.recorded_at >= %s AS today FROM dwh_lineage.open_row_deltas AS a
                    WHERE %s::text[] IS NULL OR a.target = ANY (%s)
                ) AS d
                GROUP BY d.target
            ) AS t
            LEFT JOIN LATERAL (
                SELECT e.detected_at FROM dwh_lineage.quality_exceptions AS e
                WHERE t.rows > 0 AND e.target_table = t.target AND e.state IN ('open', 'proposed', 'queued')
                ORDER BY e.id LIMIT 1
            ) AS o ON true
            """,
            [midnight, names, names],
        )
        found = cursor.fetchall()
    return OpenRows(
        {target: rows for target, rows, *_ in found},
        sum(new for _, _, new, *_ in found),
        sum(resolved for *_, resolved, _ in found),
        min((at for *_, at in found if at is not None), default=None),
    )
