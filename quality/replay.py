"""Carrying decisions out: chunk after chunk, each in one transaction.

A decision's frozen rows without an outcome are the work list, so it does not matter how often, where or in how many
processes at once this runs (docs/decisions/005-decisions.md).
"""

from __future__ import annotations

import logging
from typing import Any

import psycopg
from django.db import transaction

from lineage.connections import work_connection
from lineage.messages import celery_app
from quality.models import QualityDecision

logger = logging.getLogger(__name__)

#: Rows of one transaction: a cancel waits for one such chunk at most.
CHUNK = 50_000
#: A decision that stands still for so long has lost its worker, or its doorbell.
STILL_SECONDS = 60
_MOST_CONFLICTS = 100
_TIMEOUTS = {"statement_timeout": 4 * 3600, "lock_timeout": 900, "idle_in_transaction_session_timeout": 300}


def ring(decision: int) -> None:
    """Asks a worker to carry a decision out, once the present transaction is committed.

    A broker that does not answer is no error: beat rings again for decisions that stand still.
    """

    def ring_now() -> None:
        celery_app()
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        from quality.tasks import replay as task  # the task calls what rings

        try:
            task.apply_async((decision,), retry=False, ignore_result=True)
        except (OperationalError, RedisError, OSError) as error:
            logger.warning("Redis does not answer (%s): decision %s waits until beat rings for it.", error, decision)

    transaction.on_commit(ring_now)


def replay(decision: int, chunk: int = CHUNK) -> QualityDecision:
    """Carries a decision out to its end, or until somebody cancels it, or its rest waits for a load.

    Raises psycopg.Error where the database refuses; what has been committed stands, and the rest is still to be done.
    """
    with work_connection("replay", **_TIMEOUTS) as connection:
        left: int | None = None
        while left != 0:
            before, left = left, _next_chunk(connection, decision, chunk)
            if left == before:  # the rows' batches wait to be loaded again: the load comes first
                break
    return QualityDecision.objects.get(pk=decision)


def resume_replays() -> list[int]:
    """Rings for the decisions that stand still; returns them."""
    still = QualityDecision.objects.raw(
        # Uses index quality_decisions_queued_idx
        "SELECT d.id FROM dwh_lineage.quality_decisions AS d"
        " WHERE d.state = 'queued' AND d.progressed_at < clock_timestamp() - make_interval(secs => %s)",
        [STILL_SECONDS],
    )
    found = [decision.pk for decision in still]
    for decision in found:
        ring(decision)
    return found


def _next_chunk(connection: psycopg.Connection[Any], decision: int, chunk: int) -> int:
    """How many rows are left after one chunk. Another load of the table may be faster: then again, at once."""
    for _ in range(_MOST_CONFLICTS):
        try:
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                row = connection.execute("SELECT dwh_lineage.replay_chunk(%s, %s)", (decision, chunk)).fetchone()
            return int(row[0]) if row else 0
        except psycopg.errors.SerializationFailure:
            continue
    raise RuntimeError(
        f"Decision {decision} met {_MOST_CONFLICTS} loads of its table in a row; beat rings for it later."
    )
