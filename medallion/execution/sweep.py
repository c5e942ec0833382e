"""The sweeper: takes up what dead processes and lost messages left behind. Any worker may run it, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import connection

from lineage.connections import brief_transaction
from lineage.ticks import record_tick
from medallion.execution.claim import MAX_LOST
from medallion.execution.doorbell import ring_on_commit
from medallion.execution.settle import lock_run, settle_run

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
_RING_AGAIN_SECONDS = 30.0
_RINGS_AT_ONCE = 500
_LOCK = 0x5357454550  # "SWEEP"

_LIVE_RUNS = """
SELECT run_id FROM dwh_lineage.pipeline_runs WHERE status IN ('pending', 'running', 'cancelling')
ORDER BY run_id FOR NO KEY UPDATE SKIP LOCKED
"""

# A step without a lease counts as one whose lease has ended. The token must still be as it was seen (see claim.py).
# A row that a worker is about to commit is locked, and skipped. A run from SQL alone has no heartbeat: its transaction
# holds the step.
_EXPIRE = """
WITH seen AS MATERIALIZED (
    SELECT s.id, s.token, r.status
    FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id
    LEFT JOIN dwh_lineage.step_leases AS l ON l.step_id = s.id AND l.token = s.token
    WHERE s.run_id = ANY (%(runs)s) AND s.state = 'running' AND (l.until IS NULL OR l.until < clock_timestamp())
        AND NOT dwh_lineage.step_is_held(s.id)
), locked AS MATERIALIZED (
    SELECT s.id, seen.status FROM dwh_lineage.run_steps AS s JOIN seen ON seen.id = s.id AND seen.token = s.token
    WHERE s.state = 'running'
    FOR NO KEY UPDATE OF s SKIP LOCKED
), expired AS (
    UPDATE dwh_lineage.run_steps AS s
    SET state = CASE
            WHEN locked.status = 'cancelling' THEN 'cancelled' WHEN s.lost + 1 >= %(max_lost)s THEN 'failed'
            ELSE 'retrying'
        END,
        lost = s.lost + 1, due_at = clock_timestamp(),
        ended_at = CASE WHEN locked.status = 'cancelling' OR s.lost + 1 >= %(max_lost)s THEN clock_timestamp() END,
        error_sqlstate = NULL,
        error_message = format('Its worker vanished (%%s of %%s times).', s.lost + 1, %(max_lost)s),
        error_hint = 'Look at the worker''s log and at the machine''s memory, then resume the run.'
    FROM locked
    WHERE s.id = locked.id
    RETURNING s.id, s.token, s.run_id, s.target
), unleased AS (
    DELETE FROM dwh_lineage.step_leases AS l USING expired AS e WHERE l.step_id = e.id AND l.token = e.token
), closed AS (
    UPDATE dwh_lineage.step_attempts AS a
    SET outcome = 'lost', ended_at = clock_timestamp(), message = 'Its lease ended: the worker gave no sign of life.'
    FROM expired AS e
    WHERE a.step_id = e.id AND a.outcome IS NULL
)
SELECT e.id, e.run_id, e.target FROM expired AS e
"""

_EXPIRE_RUNS = """
SELECT dwh_lineage.expire_run(r.run_id) FROM dwh_lineage.pipeline_runs AS r
WHERE r.run_id = ANY (%(runs)s) AND (r.time_limit IS NOT NULL OR r.step_time_limit IS NOT NULL)
"""

# The step ended, and its worker died before it said so: the lease is still there.
_CLOSE_LEFT_OPEN = """
WITH ended AS (
    DELETE FROM dwh_lineage.step_leases AS l
    USING dwh_lineage.run_steps AS s
    WHERE s.id = l.step_id AND s.state <> 'running' AND l.until < clock_timestamp()
    RETURNING l.step_id, l.token, s.state
)
UPDATE dwh_lineage.step_attempts AS a
SET outcome = CASE WHEN e.state = 'succeeded' THEN 'succeeded' ELSE 'lost' END, ended_at = clock_timestamp()
FROM ended AS e
WHERE a.step_id = e.step_id AND a.token = e.token AND a.outcome IS NULL
"""

# due_at of a queued step is when to ring next; it may be claimed at any time.
_DUE = """
UPDATE dwh_lineage.run_steps AS s
SET due_at = CASE WHEN s.state = 'queued' THEN clock_timestamp() + make_interval(secs => %(again)s) ELSE s.due_at END
WHERE s.id IN (
    SELECT d.id FROM dwh_lineage.run_steps AS d
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = d.run_id AND r.status IN ('pending', 'running')
    WHERE d.state IN ('queued', 'retrying') AND d.due_at <= clock_timestamp()
    ORDER BY r.backfill_id IS NOT NULL, d.due_at LIMIT %(at_once)s
    FOR NO KEY UPDATE OF d SKIP LOCKED
)
RETURNING s.id
"""


def sweep() -> int:
    """Stops what is over its time, expires leases, closes what is left open, settles live runs, rings for due steps.

    Returns how many rings. Does nothing where another sweep is under way.
    """
    with brief_transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() == (False,):
            return 0
        # Runs before steps, as everybody does; a run that somebody holds is being settled by them.
        cursor.execute(_LIVE_RUNS)
        runs = [run for (run,) in cursor.fetchall()]
        cursor.execute(_EXPIRE_RUNS, {"runs": runs})
        _expire_leases(runs)
        cursor.execute(_CLOSE_LEFT_OPEN)
        _settle(runs)
        cursor.execute(_DUE, {"again": _RING_AGAIN_SECONDS, "at_once": _RINGS_AT_ONCE})
        due = [step for (step,) in cursor.fetchall()]
        ring_on_commit(due)
        record_tick("sweep")
    return len(due)


def _expire_leases(runs: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"runs": runs, "max_lost": MAX_LOST})
        for step, run, target in cursor.fetchall():
            logger.warning("The worker of step %s (%s, run %s) vanished.", step, target, run)


def _settle(runs: Iterable[int]) -> None:
    for run in runs:
        lock_run(run)
        settle_run(run)
