"""Doorbells: messages that say "this step is due". A lost one does no harm (the sweeper rings again), nor a second."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import connection, transaction

from lineage.messages import celery_app

logger = logging.getLogger(__name__)


def ring(step_ids: Iterable[int]) -> None:
    """Rings for each step, in the queue of its pool.

    A broker that does not answer is no error: steps stay due, and the sweeper rings again.
    """
    rung = _queues(list(step_ids))
    if not rung:
        return
    celery_app()
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    from medallion.tasks import run_step  # the task calls what rings

    try:
        for step_id, queue in rung:
            run_step.apply_async((step_id,), queue=queue or None, retry=False, ignore_result=True)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("Redis does not answer (%s): steps wait until the sweeper rings for them.", error)


def ring_on_commit(step_ids: Iterable[int]) -> None:
    """Rings once the present transaction is committed: before that, nobody could claim the steps."""
    ids = list(step_ids)
    if ids:
        transaction.on_commit(lambda: ring(ids))


def _queues(step_ids: list[int]) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.id, dwh_lineage.queue_of(u.id) FROM unnest(%s::bigint[]) WITH ORDINALITY AS u (id, place)"
            " ORDER BY u.place",
            [step_ids],
        )
        return list(cursor.fetchall())
