"""Claiming a step: the only way to work at one."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

LEASE_SECONDS = 30.0
MAX_LOST = 3
"""A step whose worker vanishes this often fails: it may be what kills them."""

# `seen` is read without a lock; what is locked must still be as it was seen. Otherwise a second claimer, whose snapshot
# shows no lease yet, would find the first one's fresh claim "expired".
_CLAIM = """
WITH seen AS MATERIALIZED (
    SELECT s.id, s.state, s.token, s.run_id, r.batch_id, r.status, t.load_routine, t.rebuild_routine
    FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id AND r.status IN ('pending', 'running')
    LEFT JOIN dwh_lineage.targets AS t ON t.target = s.target
    LEFT JOIN dwh_lineage.step_leases AS l ON l.step_id = s.id
    WHERE s.id = %(step)s
        AND (
            s.state = 'queued'
            OR (s.state = 'retrying' AND s.due_at <= clock_timestamp())
            OR (s.state = 'running' AND l.until < clock_timestamp() AND s.lost + 1 < %(max_lost)s)
        )
), locked AS MATERIALIZED (
    SELECT s.id FROM dwh_lineage.run_steps AS s JOIN seen ON s.id = seen.id
    WHERE s.token = seen.token AND s.state = seen.state
    FOR NO KEY UPDATE OF s SKIP LOCKED
), claimed AS (
    UPDATE dwh_lineage.run_steps AS s
    SET state = 'running', token = s.token + 1, started_at = coalesce(s.started_at, clock_timestamp()),
        ended_at = NULL, lost = s.lost + (s.state = 'running')::integer
    FROM locked
    WHERE s.id = locked.id
    RETURNING s.id, s.token, s.target, s.rebuild, s.failures
), taken_over AS (
    UPDATE dwh_lineage.step_attempts AS a
    SET outcome = 'lost', ended_at = clock_timestamp(), message = 'Its lease ended; another worker took the step over.'
    FROM claimed
    WHERE a.step_id = claimed.id AND a.token < claimed.token AND a.outcome IS NULL
), leased AS (
    INSERT INTO dwh_lineage.step_leases AS l (step_id, token, worker, until)
    SELECT c.id, c.token, %(worker)s, clock_timestamp() + make_interval(secs => %(lease)s) FROM claimed AS c
    ON CONFLICT (step_id) DO UPDATE
    SET token = excluded.token, worker = excluded.worker, until = excluded.until,
        cancel_requested = false, progress = '{}'
), attempted AS (
    INSERT INTO dwh_lineage.step_attempts (step_id, token, worker)
    SELECT c.id, c.token, %(worker)s FROM claimed AS c
)
SELECT c.id, c.token, seen.run_id, seen.batch_id, c.target,
       CASE WHEN c.rebuild THEN seen.rebuild_routine ELSE seen.load_routine END,
       c.rebuild, c.failures, seen.status
FROM claimed AS c CROSS JOIN seen
"""


@dataclass(frozen=True)
class Claim:
    """The right to work at a step, for as long as nobody else has a higher token."""

    step_id: int
    token: int
    run_id: int
    batch_id: UUID
    target: str
    routine: str | None
    rebuild: bool
    failures: int


def worker_name() -> str:
    """Who works here: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim_step(step_id: int, worker: str | None = None, lease_seconds: float = LEASE_SECONDS) -> Claim | None:
    """Claims a step that is due, or whose lease has ended; None: somebody else has it, or there is nothing to do.

    The claim, its lease and its attempt are committed when this returns, so call it outside a transaction.
    """
    values: dict[str, str | float] = {
        "step": step_id,
        "worker": worker or worker_name(),
        "lease": lease_seconds,
        "max_lost": MAX_LOST,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        row = cursor.fetchone()
        if row is None:
            return None
        *fields, run_status = row
        claim = Claim(*fields)
        if run_status == "pending":
            # Not in the claim's own statement: others lock the run before its steps.
            cursor.execute(
                "UPDATE dwh_lineage.pipeline_runs SET status = 'running', started_at = clock_timestamp()"
                " WHERE run_id = %s AND status = 'pending'",
                [claim.run_id],
            )
    return claim
