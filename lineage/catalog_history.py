"""What became of a table over time: how much each load wrote, and what is open about it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from lineage.models import Target
from lineage.templatetags.assay import count, moment

LOADS_SHOWN = 60
CAUSES_SHOWN = 10
WIDTH, HEIGHT = 1000.0, 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A load in the picture: what it wrote, and on top of it what it rejected."""

    x: float
    width: float
    written: float
    rejected: float
    title: str

    @property
    def written_top(self) -> float:
        return round(HEIGHT - self.written, 1)

    @property
    def rejected_top(self) -> float:
        return round(HEIGHT - self.written - self.rejected, 1)


@dataclass(frozen=True, slots=True)
class Volume:
    """The latest loads as bars, the oldest left."""

    bars: list[Bar]
    most: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class OpenCause:
    """An issue of the table that is open; `rows` is None where it is about the table as a whole."""

    issue_id: int
    title: str
    rows: int | None


def read_volume(target: Target) -> Volume:
    """How many rows the latest loads wrote and rejected. Uses index batches_target_idx."""
    with connection.cursor() as cursor:
        cursor.execute(_VOLUME, [target.target, LOADS_SHOWN])
        loads = cursor.fetchall()[::-1]
    most = max((written + rejected for _, _, written, rejected in loads), default=0)
    step = WIDTH / max(len(loads), 20)
    unit = (HEIGHT - 4) / most if most else 0.0
    bars = [
        Bar(
            round(number * step, 1), round(step * 0.8, 1), round(written * unit, 1), round(rejected * unit, 1),
            f"batch {batch}, {moment(at)}: {count(written)} written, {count(rejected)} rejected",
        )
        for number, (batch, at, written, rejected) in enumerate(loads)
    ]  # fmt: skip
    return Volume(bars, most, loads[0][1] if loads else None)


def read_open_causes(target: Target) -> list[OpenCause]:
    """What is open about a table, the largest first, those about the table as a whole before."""
    with connection.cursor() as cursor:
        cursor.execute(_CAUSES, [target.target, CAUSES_SHOWN])
        return [OpenCause(*row) for row in cursor.fetchall()]


_VOLUME = """
    SELECT b.batch_no, b.completed_at,
        coalesce(b.rows_inserted, 0) + coalesce(b.rows_updated, 0) + coalesce(b.rows_deleted, 0),
        coalesce(b.rows_rejected, 0)
    FROM dwh_lineage.batches AS b WHERE b.target = %s
    ORDER BY b.batch_no DESC LIMIT %s
"""

_CAUSES = """
    SELECT i.id, i.title, CASE WHEN i.first_batch_no IS NOT NULL THEN sum(d.delta)::bigint END
    FROM dwh_lineage.quality_issues AS i
    JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id
    WHERE i.target = %s
    GROUP BY i.id HAVING sum(d.delta) > 0
    ORDER BY i.first_batch_no IS NOT NULL, sum(d.delta) DESC, i.id LIMIT %s
"""
