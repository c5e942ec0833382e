"""How far backfills are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from lineage.models import Backfill

_COUNTS = """
SELECT t.backfill_id, coalesce(r.status, CASE b.state WHEN 'cancelled' THEN 'left out' ELSE 'waiting' END), count(*)
FROM dwh_lineage.backfills AS b
JOIN dwh_lineage.backfill_times AS t ON t.backfill_id = b.id
LEFT JOIN dwh_lineage.pipeline_runs AS r ON r.backfill_id = t.backfill_id AND r.logical_time = t.logical_time
WHERE b.id = ANY (%s)
GROUP BY 1, 2
"""
_ORDER = ("completed", "failed", "cancelled", "cancelling", "running", "pending", "waiting", "left out")
_WITHOUT_RUN = ("waiting", "left out")


@dataclass(frozen=True)
class Bar:
    """How many times are in one state; where its piece of the bar begins, and how wide it is, as SVG has it."""

    state: str
    count: int
    x: str
    width: str


@dataclass
class Progress:
    """How many logical times of a backfill are in which state: that of their run, `waiting`, or `left out`."""

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

    @property
    def in_order(self) -> list[tuple[str, int]]:
        """The states that occur with their counts, what is done first."""
        return [(state, self.counts[state]) for state in _ORDER if self.counts.get(state)]

    @property
    def bars(self) -> list[Bar]:
        """The runs as pieces of a bar of 1,000; what has none leaves it empty."""
        found, x = [], 0.0
        for state, count in self.in_order:
            if state not in _WITHOUT_RUN:
                width = 1000 * count / self.total
                found.append(Bar(state, count, f"{x:.1f}", f"{width:.1f}"))
                x += width
        return found

    def __str__(self) -> str:
        return ", ".join(f"{count:,} {state}" for state, count in self.in_order)


def progress_of(backfills: Iterable[Backfill]) -> dict[int, Progress]:
    """The progress of each backfill, by its number; one query."""
    found = {backfill.pk: Progress() for backfill in backfills}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [list(found)])
        for backfill_id, state, count in cursor.fetchall():
            found[backfill_id].counts[state] = count
    return found
