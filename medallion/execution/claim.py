"""Claiming a step: the only way to work at one."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection

LEASE_SECONDS = 30.0
MAX_LOST = 3
"""A step whose worker vanishes this often fails: it may be what kills them."""


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
    time_limit: timedelta | None


def worker_name() -> str:
    """Who works here: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim_step(step_id: int, worker: str | None = None, lease_seconds: float = LEASE_SECONDS) -> Claim | None:
    """Claims a step that is due, or whose lease has ended; None: somebody else has it, or there is nothing to do.

    The claim, its lease and its attempt are committed when this returns, so call it outside a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT step_id, token, run_id, batch_id, target, routine, rebuild, time_limit, run_status"
            " FROM dwh_lineage.claim_step(%s, %s, make_interval(secs => %s), %s)",
            [step_id, worker or worker_name(), lease_seconds, MAX_LOST],
        )
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
