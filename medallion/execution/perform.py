"""One step from claim to outcome, and a whole run in this process."""

from __future__ import annotations

import logging
import time
from collections import deque

from django.db import connection

from lineage.logs import about
from lineage.models import PipelineRun
from lineage.states import LIVE_RUN_STATES
from medallion.execution.claim import LEASE_SECONDS, Claim, claim_step
from medallion.execution.heartbeat import BEAT_SECONDS
from medallion.execution.outcome import record
from medallion.execution.presence import busy
from medallion.execution.sweep import SWEEP_SECONDS, sweep
from medallion.execution.work import Failure, Outcome, Verdict, work_at

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2


def perform_step(
    step_id: int,
    worker: str | None = None,
    lease_seconds: float = LEASE_SECONDS,
    beat_seconds: float = BEAT_SECONDS,
) -> tuple[Outcome, list[int]] | None:
    """Claims a step, does its work, records its outcome. None: it was not to be had.

    Returns the outcome and the ids of the steps that are due now; ring for them.
    """
    claim = claim_step(step_id, worker, lease_seconds)
    if claim is None:
        return None
    with about(run=claim.run_id, step=claim.step_id, table=claim.target, attempt=claim.token), busy():
        return _perform(claim, beat_seconds, lease_seconds)


def _perform(claim: Claim, beat_seconds: float, lease_seconds: float) -> tuple[Outcome, list[int]]:
    try:
        verdict = work_at(claim, beat_seconds, lease_seconds)
    except Exception as error:
        logger.exception("Step %s (%s) met a fault of Assay's own.", claim.step_id, claim.target)
        hint = "This is a fault in Assay; the worker's log has its traceback."
        verdict = Verdict(Outcome.FAILED, Failure(None, f"{type(error).__name__}: {error}", hint))
    except BaseException:
        record(claim, Verdict(Outcome.INTERRUPTED, Failure(None, "Its process was told to stop.")))
        raise
    outcome, due = record(claim, verdict)
    if outcome is Outcome.SUCCEEDED:
        logger.info("Step %s (%s) succeeded.", claim.step_id, claim.target)
    else:
        logger.warning("Step %s (%s) %s: %s", claim.step_id, claim.target, outcome, verdict.failure or "no effect")
    return outcome, due


def step_ahead(step_id: int) -> int | None:
    """Where the step is a backfill's: a due step of a live run, which goes before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.step_ahead(%s)", [step_id])
        (ahead,) = cursor.fetchone()
    return ahead and int(ahead)


def run_here(run: PipelineRun) -> str:
    """Carries out a run in this process, step by step, and returns the status it ended with.

    Workers may take part: a step that one of them has is waited for, and taken over when its lease ends.
    """
    due: deque[int] = deque()
    swept = time.monotonic()
    while True:
        due = due or deque(_claimable(run.pk))
        if due:
            performed = perform_step(due.popleft())
            if performed is not None:
                due.extend(performed[1])
            continue
        run.refresh_from_db(fields=["status"])
        if run.status not in LIVE_RUN_STATES:
            return run.status
        if time.monotonic() - swept >= SWEEP_SECONDS:
            swept = time.monotonic()
            sweep()
        time.sleep(_POLL_SECONDS)


def _claimable(run_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id FROM dwh_lineage.run_steps AS s"
            " JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id AND r.status IN ('pending', 'running')"
            " WHERE s.run_id = %s AND (s.state = 'queued' OR (s.state = 'retrying' AND s.due_at <= clock_timestamp()))"
            " ORDER BY s.position",
            [run_id],
        )
        return [step for (step,) in cursor.fetchall()]
