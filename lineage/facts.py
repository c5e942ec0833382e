"""The figures of the warehouse's tables, from the ledger and the counters: no row of a table is counted here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

#: What the state of a table's last step amounts to.
STATUS_OF = {
    "succeeded": "succeeded",
    "failed": "failed",
    "upstream_failed": "failed",
    "cancelled": "stopped",
    "skipped": "stopped",
    "blocked": "running",
    "queued": "running",
    "running": "running",
    "retrying": "running",
}
STATUSES = ("failed", "running", "stopped", "succeeded", "never run")
FRESHNESS = ("overdue", "behind", "fresh", "never loaded")


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table and its figures. `rows` is what its batches inserted less what they deleted; None before the first.

    `last_run`, `state` and `took` are of its last step, or of its last batch where no run was planned (psql).
    `accepted` is the part of the last load's rows that broke no rule; None where it judged none.
    """

    target: str
    layer: str
    kind: str
    warehouse: str
    description: str
    needs_rebuild: bool
    rows: int | None
    last_load: datetime | None
    last_run: int | None
    state: str | None
    took: timedelta | None
    accepted: float | None
    open_exceptions: int
    failing_checks: int
    is_overdue: bool
    waiting_batches: int
    waiting_rows: int

    @property
    def status(self) -> str:
        """One of STATUSES."""
        if self.state is None:
            return "succeeded" if self.last_load else "never run"
        return STATUS_OF[self.state]

    @property
    def freshness(self) -> str:
        """One of FRESHNESS: overdue by a check or a schedule, behind its inputs, or neither."""
        if self.is_overdue:
            return "overdue"
        if self.last_load is None:
            return "never loaded"
        return "behind" if self.waiting_batches else "fresh"

    @property
    def trouble(self) -> str:
        """What is wrong with it, so that what is made of it should not be trusted blindly; "" if nothing is."""
        found = []
        if self.status == "failed":
            found.append("its last load failed")
        if self.is_overdue:
            found.append("it is overdue")
        if checks := self.failing_checks - self.is_overdue:
            found.append("1 check does not hold" if checks == 1 else f"{checks:,} checks do not hold")
        if self.open_exceptions:
            found.append(f"{self.open_exceptions:,} open exception{'s' if self.open_exceptions > 1 else ''}")
        return ", ".join(found)


def read_facts(names: Sequence[str] | None = None) -> list[TableFacts]:
    """The figures of all tables, or of those named, by layer and name. One query, which locks nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"names": None if names is None else list(names)})
        return [TableFacts(*row) for row in cursor.fetchall()]


# Sums are made of counters (target_totals, open_row_deltas, issue_deltas), so they cost the same however many batches
# and exceptions there are; the last batch and the last step of a table are the first entries of their indexes.
_FACTS = """
    WITH counted AS (
        SELECT p.target, sum(p.rows)::bigint AS rows
        FROM (
            SELECT t.target, t.rows_inserted - t.rows_deleted AS rows FROM dwh_lineage.target_totals AS t
            UNION ALL
            SELECT b.target, coalesce(b.rows_inserted, 0) - coalesce(b.rows_deleted, 0)
            FROM dwh_lineage.batches AS b  -- Uses index batches_opened_idx
            WHERE b.opened_in >= coalesce((SELECT max(t.counted_below) FROM dwh_lineage.target_totals AS t), 0)
            UNION ALL
            SELECT d.target, -d.rows FROM dwh_lineage.dropped_partitions AS d
        ) AS p
        WHERE %(names)s::text[] IS NULL OR p.target = ANY (%(names)s::text[])
        GROUP BY p.target
    ), open_rows AS (
        SELECT d.target, sum(d.delta)::bigint AS rows
        FROM dwh_lineage.open_row_deltas AS d
        WHERE %(names)s::text[] IS NULL OR d.target = ANY (%(names)s::text[])
        GROUP BY d.target
    ), failing AS (  -- Without a first batch an issue has no rows: it is about a table as a whole
        SELECT i.target, count(*) AS checks, bool_or(i.rule = 'fresh' OR r.kind = 'freshness') AS is_overdue
        FROM dwh_lineage.quality_issues AS i
        LEFT JOIN dwh_lineage.quality_rules AS r ON r.target = i.target AND r.rule = i.rule AND r.active
        WHERE i.first_batch_no IS NULL
            AND (SELECT sum(d.delta) FROM dwh_lineage.issue_deltas AS d WHERE d.issue_id = i.id) > 0
        GROUP BY i.target
    ), waiting AS (
        SELECT p.consumer, count(*) AS batches, sum(
            coalesce(b.rows_inserted, 0) + coalesce(b.rows_updated, 0) + coalesce(b.rows_deleted, 0)
        )::bigint AS rows
        FROM dwh_lineage.pendings AS p
        JOIN dwh_lineage.batches AS b ON b.batch_no = p.batch_no
        WHERE %(names)s::text[] IS NULL OR p.consumer = ANY (%(names)s::text[])
        GROUP BY p.consumer
    )
    SELECT
        t.target, t.layer, t.kind, t.warehouse, t.description, t.needs_rebuild,
        CASE WHEN b.batch_no IS NOT NULL THEN coalesce(c.rows, 0) END, b.completed_at,
        CASE WHEN s.is_latest THEN s.run_id ELSE r.run_id END,
        CASE WHEN s.is_latest THEN s.state END,
        CASE WHEN s.is_latest THEN s.ended_at - s.started_at ELSE b.completed_at - b.ingested_at END,
        1 - b.rows_rejected::float8 / nullif(b.rows_read, 0),
        coalesce(o.rows, 0), coalesce(f.checks, 0), coalesce(f.is_overdue, false),
        coalesce(w.batches, 0), coalesce(w.rows, 0)
    FROM dwh_lineage.targets AS t
    LEFT JOIN LATERAL (  -- Uses index batches_target_idx
        SELECT b.batch_no, b.batch_id, b.ingested_at, b.completed_at, b.rows_read, b.rows_rejected
        FROM dwh_lineage.batches AS b WHERE b.target = t.target ORDER BY b.batch_no DESC LIMIT 1
    ) AS b ON true
    LEFT JOIN LATERAL (  -- Uses index run_steps_target_idx
        SELECT s.run_id, s.state, s.started_at, s.ended_at,
            s.ended_at IS NULL OR b.completed_at IS NULL OR s.ended_at >= b.completed_at
                OR s.batch_no = b.batch_no AS is_latest
        FROM dwh_lineage.run_steps AS s WHERE s.target = t.target ORDER BY s.id DESC LIMIT 1
    ) AS s ON true
    LEFT JOIN dwh_lineage.pipeline_runs AS r ON r.batch_id = b.batch_id
    LEFT JOIN counted AS c ON c.target = t.target
    LEFT JOIN open_rows AS o ON o.target = t.target
    LEFT JOIN failing AS f ON f.target = t.target
    LEFT JOIN waiting AS w ON w.consumer = t.target
    WHERE %(names)s::text[] IS NULL OR t.target = ANY (%(names)s::text[])
    ORDER BY array_position(ARRAY['bronze', 'silver', 'gold'], t.layer), t.target
"""
