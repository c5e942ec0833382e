"""How far backfills are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from lineage.models import Backfill

_COUNTS = """
SELECT t.backfill_id, coalesce(r.status, 'waiting'), count(*)
FROM dwh_lineage.backfill_times AS t
LEFT JOIN dwh_lineage.pipeline_runs AS r ON r.backfill_id = t.backfill_id AND r.logical_time = t.logical_time
WHERE t.backfill_id = ANY (%s)
GROUP BY 1, 2
"""
_ORDER = ("completed", "failed", "cancelled", "cancelling", "running", "pending", "waiting")


@dataclass
class Progress:
    """How many logical times of a backfill are in which state: that of their run, or `waiting`."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        return sum(self.counts.get(state, 0) for state in ("completed", "failed", "cancelled"))

    @property
    def percent(self) -> int:
        return 100 * self.ended // self.total if self.total else 0

    def __str__(self) -> str:
        return ", ".join(f"{self.counts[state]:,} {state}" for state in _ORDER if self.counts.get(state))


def progress_of(backfills: Iterable[Backfill]) -> dict[int, Progress]:
    """The progress of each backfill, by its number; one query."""
    found = {backfill.pk: Progress() for backfill in backfills}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [list(found)])
        for backfill_id, state, count in cursor.fetchall():
            found[backfill_id].counts[state] = count
    return found
