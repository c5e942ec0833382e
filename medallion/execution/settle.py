"""What follows from the states of a run's steps: successors become due, or have nothing to wait for; the run ends."""

from __future__ import annotations

from django.db import connection

# Each blocked step: queued when all that it needs is done, upstream_failed when something it needs will not come.
_RELEASE = """
UPDATE dwh_lineage.run_steps AS s
SET state = verdict.state, due_at = clock_timestamp(),
    ended_at = CASE WHEN verdict.state = 'upstream_failed' THEN clock_timestamp() END
FROM (
    SELECT b.id,
           CASE
               WHEN bool_or(n.state IN ('failed', 'upstream_failed', 'cancelled')) THEN 'upstream_failed'
               WHEN coalesce(bool_and(n.state IN ('succeeded', 'skipped')), true) THEN 'queued'
           END AS state
    FROM dwh_lineage.run_steps AS b
    LEFT JOIN dwh_lineage.run_steps AS n ON n.run_id = b.run_id AND n.target = ANY (b.needs)
    WHERE b.run_id = %(run)s AND b.state = 'blocked' AND (%(after)s::text IS NULL OR b.needs @> ARRAY[%(after)s::text])
    GROUP BY b.id
) AS verdict
WHERE s.id = verdict.id AND verdict.state IS NOT NULL AND s.state = 'blocked'
RETURNING s.id, s.state
"""

_FINISH = """
UPDATE dwh_lineage.pipeline_runs AS r
SET status = CASE
        WHEN steps.all_done THEN 'completed'
        WHEN r.status = 'cancelling' THEN 'cancelled'
        ELSE 'failed'
    END,
    completed_at = clock_timestamp(), error_message = CASE WHEN NOT steps.all_done THEN steps.error END,
    metrics = to_jsonb(counts) || jsonb_build_object(
        'seconds', round(extract(epoch FROM clock_timestamp() - coalesce(r.started_at, r.created_at)), 3)
    )
FROM (
    SELECT bool_and(s.state IN ('succeeded', 'skipped')) AS all_done,
           (array_agg(format('%%s: %%s', s.target, s.error_message) ORDER BY s.position)
               FILTER (WHERE s.state = 'failed'))[1] AS error
    FROM dwh_lineage.run_steps AS s
    WHERE s.run_id = %(run)s
    HAVING bool_and(s.state IN ('succeeded', 'skipped', 'failed', 'cancelled', 'upstream_failed'))
) AS steps
CROSS JOIN LATERAL (
    SELECT count(*) AS batches, coalesce(sum(b.rows_read), 0) AS rows_read,
           coalesce(sum(b.rows_inserted), 0) AS rows_inserted, coalesce(sum(b.rows_updated), 0) AS rows_updated,
           coalesce(sum(b.rows_deleted), 0) AS rows_deleted, coalesce(sum(b.rows_rejected), 0) AS rows_rejected
    FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.batches AS b ON b.batch_no = s.batch_no
    WHERE s.run_id = %(run)s
) AS counts
WHERE r.run_id = %(run)s AND r.status IN ('pending', 'running', 'cancelling')
RETURNING r.status
"""


def lock_run(run_id: int) -> str | None:
    """Locks a run's row until the transaction ends and returns its status; a run that has a begun step is running.

    Whoever changes steps of a run on the control connection holds it, so that the last of two steps that end at one
    moment sees the other's end. FOR NO KEY UPDATE: loads go on (their lineage refers to the run).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM dwh_lineage.pipeline_runs WHERE run_id = %s FOR NO KEY UPDATE", [run_id])
        row = cursor.fetchone()
        if row is None or row[0] != "pending":
            return row and str(row[0])
        # The worker that claimed the first step may have died before it said so.
        cursor.execute(
            "UPDATE dwh_lineage.pipeline_runs AS r SET status = 'running', started_at = clock_timestamp()"
            " WHERE r.run_id = %s AND EXISTS"
            " (SELECT 1 FROM dwh_lineage.run_steps AS s WHERE s.run_id = r.run_id AND s.started_at IS NOT NULL)",
            [run_id],
        )
        return "running" if cursor.rowcount else "pending"


def settle_run(run_id: int, after: str | None = None) -> list[int]:
    """Releases the successors and finishes the run where nothing is left; returns the ids of the steps to ring for.

    `after`: only this table's step has ended, and well. Call it under `lock_run`.
    """
    released = release_successors(run_id, after)
    if not released:
        finish_run(run_id)
    return released


def release_successors(run_id: int, after: str | None = None) -> list[int]:
    """Queues blocked steps whose needs are done; marks those that wait in vain, and what waits for them."""
    queued: list[int] = []
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_RELEASE, {"run": run_id, "after": after})
            changed = cursor.fetchall()
            queued += [step for step, state in changed if state == "queued"]
            if all(state == "queued" for _, state in changed):
                return queued


def finish_run(run_id: int) -> str | None:
    """Ends a run none of whose steps is live, with its rows and seconds as metrics; returns its status, if it did."""
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"run": run_id})
        row = cursor.fetchone()
    return row and str(row[0])
