"""Causes of exceptions: the issues with their counts, read from counters and samples, never by counting rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Max, Sum

from quality.models import QualityIssue

COUNTED = 200_000  # open rows of a target are counted up to here: about 60 ms where nothing is in order
SAMPLED = 1_000


@dataclass(frozen=True)
class Cause:
    """An issue, how many open rows break its rule, and which part of its target's open rows that is."""

    issue: QualityIssue
    open: int
    share: float | None  # None where the target has more open rows than are counted
    values: list[tuple[str | None, int]] = field(default_factory=list)  # frequent in a sample, with their counts

    @property
    def has_rows(self) -> bool:
        """False: it is about a table or a pipeline as a whole (quality/issues.py), which no batch brought."""
        return self.issue.first_batch_id is not None

    @property
    def examples(self) -> list[str]:
        """The frequent values that say something: an absent one is named by the rule already."""
        return [value for value, _ in self.values if value is not None]

    @property
    def permille(self) -> int:
        """The share as a length, for a bar."""
        return round((self.share or 0) * 1000)


@dataclass(frozen=True)
class OpenRows:
    """Unresolved exceptions of all targets; `capped` where one of them has more than are counted."""

    by_target: dict[str, int]

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
    """The issues that have open rows, the largest first, with frequent values of each. Two queries."""
    issues = (
        QualityIssue.objects.select_related("first_batch", "assignee")
        .annotate(open=Sum("deltas__delta"), latest=Max("deltas__recorded_at"))
        .filter(open__gt=0)
        .order_by("-open", "pk")
    )
    found = list(issues)
    values = frequent_values(issue.pk for issue in found)
    return [
        Cause(issue=i, open=i.open, share=rows.share(i.target_id, i.open), values=values.get(i.pk, [])) for i in found
    ]


def open_rows() -> OpenRows:
    """Unresolved exceptions by target, each counted up to COUNTED. Uses index quality_exc_open_idx."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.target, n.rows
            FROM (SELECT DISTINCT i.target FROM dwh_lineage.quality_issues AS i) AS t
            CROSS JOIN LATERAL (
                SELECT count(*) AS rows
                FROM (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS e
                    WHERE e.target_table = t.target AND e.state IN ('open', 'proposed', 'queued')
                    LIMIT %s
                ) AS counted
            ) AS n
            """,
            [COUNTED + 1],
        )
        return OpenRows(dict(cursor.fetchall()))


def frequent_values(issues: Iterable[int], most: int = 3) -> dict[int, list[tuple[str | None, int]]]:
    """The most frequent offending values among the first SAMPLED breaches of each issue, with their counts there."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.issue_id, v.value, v.times
            FROM unnest(%s::bigint[]) AS i (issue_id)
            CROSS JOIN LATERAL (
                SELECT s.value, count(*) AS times
                FROM (
                    SELECT b.value FROM dwh_lineage.exception_breaches AS b WHERE b.issue_id = i.issue_id LIMIT %s
                ) AS s
                GROUP BY s.value ORDER BY times DESC, s.value LIMIT %s
            ) AS v
            """,
            [list(issues), SAMPLED, most],
        )
        found: dict[int, list[tuple[str | None, int]]] = {}
        for issue, value, times in cursor.fetchall():
            found.setdefault(issue, []).append((value, times))
        return found
