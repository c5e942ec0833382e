"""Causes of exceptions: the issues with their counts, read from counters and samples, never by counting rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from quality.models import QualityIssue, QualityRule
from quality.suggesting import Suggestion, Suspect, suggestion, ways
from quality.surroundings import Around, surroundings

COUNTED = 200_000  # open rows of a target are counted up to here: about 60 ms where nothing is in order


@dataclass(frozen=True)
class Cause:
    """An issue, how many open rows break its rule, and which part of its target's open rows that is."""

    issue: QualityIssue
    open: int
    share: float | None  # None where the target has more open rows than are counted
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
    """Unresolved exceptions of all targets; `capped` where one of them has more than are counted."""

    by_target: dict[str, int]
    oldest: datetime | None = None

    @property
    def total(self) -> int:
        return sum(min(rows, COUNTED) for rows in self.by_target.values())

    @property
    def capped(self) -> bool:
        return any(rows > COUNTED for rows in self.by_target.values())

    def share(self, target: str, part: int) -> float | None:
        rows = self.by_target.get(target, 0)
        return part / rows if 0 < rows <= COUNTED else None


def open_causes(rows: OpenRows) -> list[Cause]:
    """The issues that have open rows, those first that hold up most, with what stands around each. Two queries."""
    causes = described(issues().filter(open__gt=0).order_by("pk"), rows)
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


def described(found: Iterable[Any], rows: OpenRows, values: int = 3) -> list[Cause]:
    """Issues as issues() gives them, with what is known of them. Two queries."""
    suspects = {i: Suspect(i.pk, i.kind, i.definition or {}, i.offending_value, i.is_required) for i in found}
    tried = [way for issue, suspect in suspects.items() if issue.open > 0 for way in ways(suspect)]
    around = surroundings([issue.pk for issue in suspects], tried, values)
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


def open_rows() -> OpenRows:
    """Unresolved exceptions by target, each counted up to COUNTED, and when the oldest of them was found. Uses index
    quality_exc_open_idx."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.target, n.rows, o.detected_at
            FROM (SELECT DISTINCT i.target FROM dwh_lineage.quality_issues AS i) AS t
            CROSS JOIN LATERAL (
                SELECT count(*) AS rows
                FROM (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS e
                    WHERE e.target_table = t.target AND e.state IN ('open', 'proposed', 'queued')
                    LIMIT %s
                ) AS counted
            ) AS n
            LEFT JOIN LATERAL (
                SELECT e.detected_at FROM dwh_lineage.quality_exceptions AS e
                WHERE e.target_table = t.target AND e.state IN ('open', 'proposed', 'queued')
                ORDER BY e.id LIMIT 1
            ) AS o ON true
            """,
            [COUNTED + 1],
        )
        found = cursor.fetchall()
    oldest = min((at for _, _, at in found if at is not None), default=None)
    return OpenRows({target: rows for target, rows, _ in found}, oldest)


def changed_today() -> tuple[int, int]:
    """Breaches that came and that were resolved since midnight. Uses index issue_deltas_recorded_idx."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(n.net) FILTER (WHERE n.net > 0), 0)::bigint,
                coalesce(-sum(n.net) FILTER (WHERE n.net < 0), 0)::bigint
            FROM (
                SELECT sum(d.delta) AS net FROM dwh_lineage.issue_deltas AS d
                WHERE d.recorded_at >= %s GROUP BY coalesce(d.batch_no, -d.id)
            ) AS n
            """,
            [midnight],
        )
        return tuple(cursor.fetchone())
