"""What follows from the states of a run's steps: successors become due, or have nothing to wait for; the run ends."""

from __future__ import annotations

from django.db import connection


def lock_run(run_id: int) -> str | None:
    """Locks a run's row until the transaction ends and returns its status; None: there is no such run.

    Whoever changes steps of a run on the control connection holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.lock_run(%s)", [run_id])
        (status,) = cursor.fetchone()
    return status and str(status)


def settle_run(run_id: int) -> list[int]:
    """Releases the successors and finishes the run where nothing is left; returns the ids of the steps to ring for.

    Call it under `lock_run`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.settle_run(%s)", [run_id])
        (due,) = cursor.fetchone()
    return list(due)
