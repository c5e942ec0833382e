"""What a person does to a run: cancel it, resume it."""

from __future__ import annotations

from django.db import IntegrityError, connection, transaction

from lineage.models import PipelineRun
from lineage.states import LIVE_RUN_STATES, RunStatus
from medallion.execution.create import code_version, live_run
from medallion.execution.doorbell import ring_on_commit
from medallion.execution.errors import RunIsLive, RunRefused
from medallion.execution.settle import lock_run, settle_run


def cancel_run(run_id: int) -> PipelineRun:
    """Cancels a run: what waits at once, what runs within a heartbeat (8 s). Finished loads stay.

    A second call changes nothing. Raises RunRefused where there is no such run or it has ended.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.cancel_run(%s)", [run_id])
        (status,) = cursor.fetchone()
    if status is None:
        raise _missing(run_id)
    if status not in LIVE_RUN_STATES:
        raise RunRefused(f"Run {run_id} has ended: {status}.", "There is nothing to cancel.")
    return PipelineRun.objects.get(pk=run_id)


def resume_run(run_id: int, *, here: bool = False) -> PipelineRun:
    """Lets a failed run go on: new attempts for what has not succeeded, nothing again for what has.

    `here`: no ringing; the caller hands the run to `run_here`.

    Raises RunRefused where there is no such run or it has not failed, RunIsLive where a newer run is on its way.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            status = _existing(run_id)
            if status != RunStatus.FAILED:
                raise RunRefused(f"Run {run_id} is {status}; a failed run can be resumed.", "Start a new run instead.")
            cursor.execute("SELECT target FROM dwh_lineage.run_steps WHERE run_id = %s", [run_id])
            version = code_version(target for (target,) in cursor.fetchall())
            # Each version that took part stays on record, oldest first.
            cursor.execute(
                "UPDATE dwh_lineage.pipeline_runs SET status = 'running', completed_at = NULL, error_message = NULL,"
                " code_version = CASE WHEN code_version LIKE %s THEN code_version ELSE code_version || ' ' || %s END"
                " WHERE run_id = %s AND status = 'failed'",
                [f"%{version}", version, run_id],
            )
            cursor.execute(
                "UPDATE dwh_lineage.run_steps AS s"
                " SET state = 'blocked', failures = 0, lost = 0, ended_at = NULL,"
                "     error_sqlstate = NULL, error_message = NULL, error_hint = NULL,"
                "     rebuild = s.rebuild OR EXISTS ("
                "         SELECT 1 FROM dwh_lineage.targets AS t"
                "         WHERE t.target = s.target AND t.needs_rebuild AND t.rebuild_routine IS NOT NULL)"
                " WHERE s.run_id = %s AND s.state IN ('failed', 'upstream_failed', 'cancelled')",
                [run_id],
            )
            due = settle_run(run_id)
            ring_on_commit([] if here else due)
    except IntegrityError as error:
        if "pipeline_runs_one_live" not in str(error):
            raise
        name = PipelineRun.objects.values_list("pipeline_name", flat=True).get(pk=run_id)
        raise RunIsLive(name, live_run(name)) from None
    return PipelineRun.objects.get(pk=run_id)


def continue_run(run_id: int, *, here: bool = False) -> PipelineRun:
    """A run to go on with: a live one as it is, a failed one resumed. Raises as resume_run."""
    run = PipelineRun.objects.filter(pk=run_id, status__in=("pending", "running")).first()
    return run or resume_run(run_id, here=here)


def _existing(run_id: int) -> str:
    status = lock_run(run_id)
    if status is None:
        raise _missing(run_id)
    return status


def _missing(run_id: int) -> RunRefused:
    return RunRefused(f"There is no run {run_id}.", "The admin lists the runs, newest first.")
