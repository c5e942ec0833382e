"""Recording how an attempt ended, on the control connection: whatever became of the work, this stays."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from medallion.execution.claim import Claim
from medallion.execution.retry import seconds_until_retry
from medallion.execution.settle import lock_run, settle_run
from medallion.execution.work import Failure, Outcome, Verdict

T = TypeVar("T")

# A server that restarts is back within seconds, and a cancelled run waits for this record.
_PAUSES = (0.2, 0.5, *(1.0,) * 20)

_CLOSE_ATTEMPT = """
WITH released AS (DELETE FROM dwh_lineage.step_leases WHERE step_id = %(step_id)s AND token = %(token)s)
UPDATE dwh_lineage.step_attempts
SET outcome = %(outcome)s, ended_at = clock_timestamp(), sqlstate = %(sqlstate)s, message = %(message)s
WHERE step_id = %(step_id)s AND token = %(token)s AND outcome IS NULL
"""

_END_STEP = """
UPDATE dwh_lineage.run_steps
SET state = %(state)s, failures = failures + %(failed)s,
    due_at = clock_timestamp() + make_interval(secs => %(pause)s),
    ended_at = CASE WHEN %(state)s <> 'retrying' THEN clock_timestamp() END,
    error_sqlstate = %(sqlstate)s, error_message = %(message)s, error_hint = %(hint)s
WHERE id = %(step_id)s AND token = %(token)s AND state = 'running'
"""


def record(claim: Claim, verdict: Verdict) -> tuple[Outcome, list[int]]:
    """Records a verdict; returns the outcome that counts and the steps that are due now.

    Where the server is away, it is tried for some seconds; then the error is raised, the attempt stays open and the
    sweeper closes it when its lease has ended.
    """
    return _while_reconnecting(lambda: _record(claim, verdict))


def _record(claim: Claim, verdict: Verdict) -> tuple[Outcome, list[int]]:
    with transaction.atomic():
        run_status = lock_run(claim.run_id)
        outcome = verdict.outcome
        if outcome in (Outcome.FAILED, Outcome.CANCELLED, Outcome.INTERRUPTED) and not _end_step(
            claim, verdict, cancelling=run_status == "cancelling"
        ):
            outcome = _truth(claim)
        failure = verdict.failure if outcome == verdict.outcome else None
        _close_attempt(claim, outcome, failure)
        succeeded = outcome == Outcome.SUCCEEDED
        due = settle_run(claim.run_id, after=claim.target if succeeded else None)
    return outcome, due


def _end_step(claim: Claim, verdict: Verdict, cancelling: bool) -> bool:
    """Ends the step, or lets it wait for its next attempt. False: it is not this claim's to end.

    Where a COMMIT of ours is still on its way in a backend that we lost, this waits for that backend.
    """
    failure = verdict.failure or Failure(None, "It was cancelled.")
    state, pause = "failed", None
    if verdict.outcome == Outcome.CANCELLED:
        state = "cancelled"
    elif verdict.outcome == Outcome.INTERRUPTED:
        state, pause = "retrying", 0.0
    elif (pause := seconds_until_retry(failure.sqlstate, claim.failures)) is not None:
        state = "retrying"
    if state == "retrying" and cancelling:
        state = "cancelled"
    with connection.cursor() as cursor:
        cursor.execute(
            _END_STEP,
            vars(failure)
            | {"step_id": claim.step_id, "token": claim.token, "state": state, "pause": pause or 0.0}
            | {"failed": int(verdict.outcome == Outcome.FAILED)},
        )
        return bool(cursor.rowcount)


def _truth(claim: Claim) -> Outcome:
    """What happened to a step that is no longer this claim's to end: its COMMIT went through, or another took it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT token, state FROM dwh_lineage.run_steps WHERE id = %s", [claim.step_id])
        token, state = cursor.fetchone()
    return Outcome.SUCCEEDED if token == claim.token and state == "succeeded" else Outcome.FENCED


def _close_attempt(claim: Claim, outcome: Outcome, failure: Failure | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _CLOSE_ATTEMPT,
            {
                "step_id": claim.step_id,
                "token": claim.token,
                # A worker that was told to stop in the middle is lost to the step; nothing is wrong with the step.
                "outcome": "lost" if outcome == Outcome.INTERRUPTED else outcome.value,
                "sqlstate": failure.sqlstate if failure else None,
                "message": failure.message if failure else None,
            },
        )


def _while_reconnecting(act: Callable[[], T]) -> T:
    for pause in _PAUSES:
        try:
            return act()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(pause)
    return act()
