"""Recording how an attempt ended, on the control connection: whatever became of the work, this stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from medallion.execution.claim import Claim
from medallion.execution.doorbell import ring
from medallion.execution.work import Outcome, Verdict

T = TypeVar("T")

# A server that restarts is back within seconds, and a cancelled run waits for this record.
_PAUSES = (0.2, 0.5, *(1.0,) * 20)


def record(claim: Claim, verdict: Verdict) -> tuple[Outcome, list[int]]:
    """Records a verdict; returns the outcome that counts and the steps that are due now.

    Where the server is away, it is tried for some seconds; then the error is raised, the attempt stays open and the
    sweeper closes it when its lease has ended.
    """
    return _while_reconnecting(lambda: _record(claim, verdict))


def _record(claim: Claim, verdict: Verdict) -> tuple[Outcome, list[int]]:
    failure = verdict.failure
    said = [failure.sqlstate, failure.message, failure.hint] if failure else [None, None, None]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ended_as, due_steps, waiting_step FROM dwh_lineage.end_step(%s, %s, %s, %s, %s, %s, %s)",
            [claim.step_id, claim.token, verdict.outcome.value, *said, json.dumps(verdict.notices)],
        )
        outcome, due, waiting = cursor.fetchone()
    if waiting is not None:  # another run's, perhaps: not for the caller to work at
        ring([waiting])
    return Outcome(outcome), due


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
