"""Sums over the ledger, in time that does not grow with it: the older part is summed already, the rest is added.

The ledger itself is never touched for it, since loads run in REPEATABLE READ and would meet our update.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

# A transaction below the oldest running one has ended: its batches are all there to be seen, and no more will come.
# So "opened below" divides the ledger exactly. (After a restore the old numbers may be higher than those of the new
# server: such batches are added up at each look until its own have passed them. Slower, never wrong.)
_FOLD = """
WITH horizon AS (
    SELECT coalesce((SELECT max(t.counted_below) FROM dwh_lineage.target_totals AS t), 0) AS old,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS new
), added AS (
    SELECT b.target, count(*) AS batches, coalesce(sum(b.rows_read), 0) AS rows_read,
           coalesce(sum(b.rows_inserted), 0) AS rows_inserted, coalesce(sum(b.rows_updated), 0) AS rows_updated,
           coalesce(sum(b.rows_deleted), 0) AS rows_deleted, coalesce(sum(b.rows_unchanged), 0) AS rows_unchanged,
           coalesce(sum(b.rows_rejected), 0) AS rows_rejected
    FROM dwh_lineage.batches AS b CROSS JOIN horizon AS h
    WHERE b.opened_in >= h.old AND b.opened_in < h.new
    GROUP BY b.target
)
INSERT INTO dwh_lineage.target_totals AS t (
    target, counted_below, batches, rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, rows_rejected
)
SELECT g.target, h.new, coalesce(a.batches, 0), coalesce(a.rows_read, 0), coalesce(a.rows_inserted, 0),
       coalesce(a.rows_updated, 0), coalesce(a.rows_deleted, 0), coalesce(a.rows_unchanged, 0),
       coalesce(a.rows_rejected, 0)
FROM dwh_lineage.targets AS g CROSS JOIN horizon AS h LEFT JOIN added AS a ON a.target = g.target
WHERE h.new > h.old
ON CONFLICT (target) DO UPDATE
SET counted_below = excluded.counted_below, batches = t.batches + excluded.batches,
    rows_read = t.rows_read + excluded.rows_read, rows_inserted = t.rows_inserted + excluded.rows_inserted,
    rows_updated = t.rows_updated + excluded.rows_updated, rows_deleted = t.rows_deleted + excluded.rows_deleted,
    rows_unchanged = t.rows_unchanged + excluded.rows_unchanged,
    rows_rejected = t.rows_rejected + excluded.rows_rejected
"""

# Uses index batches_opened_idx.
_READ = """
SELECT p.target, sum(p.batches)::bigint, sum(p.rows_read)::bigint, sum(p.rows_inserted)::bigint,
       sum(p.rows_updated)::bigint, sum(p.rows_deleted)::bigint, sum(p.rows_unchanged)::bigint,
       sum(p.rows_rejected)::bigint
FROM (
    SELECT t.target, t.batches, t.rows_read, t.rows_inserted, t.rows_updated, t.rows_deleted, t.rows_unchanged,
           t.rows_rejected
    FROM dwh_lineage.target_totals AS t
    UNION ALL
    SELECT b.target, 1, coalesce(b.rows_read, 0), coalesce(b.rows_inserted, 0), coalesce(b.rows_updated, 0),
           coalesce(b.rows_deleted, 0), coalesce(b.rows_unchanged, 0), coalesce(b.rows_rejected, 0)
    FROM dwh_lineage.batches AS b
    WHERE b.opened_in >= coalesce((SELECT max(t.counted_below) FROM dwh_lineage.target_totals AS t), 0)
) AS p
GROUP BY p.target
ORDER BY p.target
"""


@dataclass(frozen=True)
class Total:
    """What all batches of a table did, in rows."""

    target: str
    batches: int
    read: int
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    rejected: int

    @property
    def rows(self) -> int:
        """The rows that the table holds, as the ledger has it."""
        return self.inserted - self.deleted


def totals() -> dict[str, Total]:
    """The sums of each table that has a batch."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return {row[0]: Total(*row) for row in cursor.fetchall()}


def fold_totals() -> None:
    """Adds what has ended since the last time to the summed part. Maintenance calls it every hour."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Before the statement, so that its snapshot is younger than the other's commit. Readers go on.
        cursor.execute("LOCK TABLE dwh_lineage.target_totals IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_FOLD)
