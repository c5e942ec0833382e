"""What a person does to a run: cancel it, resume it, skip a step, carry one out again with what follows it.

Each act is one transaction, under the lock of the run's row, and leaves a row in `run_interventions`: who, when, why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, connection

from lineage.connections import brief_transaction
from lineage.models import Intervention, PipelineRun, Step, Target
from lineage.states import LIVE_RUN_STATES, RunStatus, StepState
from medallion.execution.create import code_version, live_run
from medallion.execution.doorbell import ring_on_commit
from medallion.execution.errors import RunIsLive, RunRefused
from medallion.execution.settle import lock_run, settle_run

SKIPPABLE_IN = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.FAILED)
SKIPPABLE = ("blocked", "queued", "retrying", "failed", "upstream_failed", "cancelled")
RERUNNABLE_IN = (RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED)
RERUNNABLE = ("succeeded", "skipped", "failed")
_ON_ITS_WAY = ("queued", "running", "retrying")

_AGAIN = """
UPDATE dwh_lineage.run_steps AS s
SET state = 'blocked', failures = 0, lost = 0, started_at = NULL, ended_at = NULL,
    error_sqlstate = NULL, error_message = NULL, error_hint = NULL,
    -- One that has rebuilt its table has done so.
    rebuild = (s.rebuild AND s.state <> 'succeeded') OR s.target = %(anew)s::text OR EXISTS (
        SELECT 1 FROM dwh_lineage.targets AS t
        WHERE t.target = s.target AND t.needs_rebuild AND t.rebuild_routine IS NOT NULL
    )
WHERE s.run_id = %(run)s AND s.state <> 'blocked' AND s.target = ANY (%(targets)s)
"""

# Each version that took part stays on record, oldest first.
_REOPEN = """
UPDATE dwh_lineage.pipeline_runs
SET status = 'running', started_at = clock_timestamp(), completed_at = NULL, error_message = NULL,
    code_version = CASE WHEN code_version LIKE %(like)s THEN code_version ELSE code_version || ' ' || %(version)s END
WHERE run_id = %(run)s AND status IN ('failed', 'completed')
"""


def cancel_run(run_id: int, by: str = "", reason: str = "") -> PipelineRun:
    """Cancels a run: what waits at once, what runs within a heartbeat (8 s). Finished loads stay.

    A second call changes nothing. Raises RunRefused where there is no such run or it has ended.
    """
    with brief_transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.cancel_run(%s)", [run_id])
        (status,) = cursor.fetchone()
        if status is None:
            raise _missing(run_id)
        if status not in LIVE_RUN_STATES:
            raise RunRefused(f"Run {run_id} has ended: {status}.", "There is nothing to cancel.")
        if status != RunStatus.CANCELLING:
            _record(Intervention.Verb.CANCEL, run_id, by, reason)
    return PipelineRun.objects.get(pk=run_id)


def resume_run(run_id: int, by: str = "", reason: str = "", *, here: bool = False) -> PipelineRun:
    """Lets a failed run go on: new attempts for what has not succeeded, nothing again for what has.

    `here`: no ringing; the caller hands the run to `run_here`.

    Raises RunRefused where there is no such run or it has not failed, RunIsLive where a newer run is on its way.
    """
    with _alone(run_id), brief_transaction():
        status = _existing(run_id)
        if status != RunStatus.FAILED:
            raise RunRefused(f"Run {run_id} is {status}; a failed run can be resumed.", "Start a new run instead.")
        stopped = Step.objects.filter(run=run_id, state__in=("failed", "upstream_failed", "cancelled"))
        _reopen(run_id)
        _again(run_id, list(stopped.values_list("target", flat=True)))
        _record(Intervention.Verb.RESUME, run_id, by, reason)
        _go_on(run_id, here)
    return PipelineRun.objects.get(pk=run_id)


def continue_run(run_id: int, by: str = "", reason: str = "", *, here: bool = False) -> PipelineRun:
    """A run to go on with: a live one as it is, a failed one resumed. Raises as resume_run."""
    run = PipelineRun.objects.filter(pk=run_id, status__in=("pending", "running")).first()
    return run or resume_run(run_id, by, reason, here=here)


def skip_step(run_id: int, target: str, by: str = "", reason: str = "") -> PipelineRun:
    """Lets a run do without a step: what needs it goes on as if it were done. Its batches go on waiting.

    In a run that has failed the rest goes on when it is resumed. Raises RunRefused where there is no such step, it
    has succeeded or is running, or the run has ended otherwise.
    """
    with brief_transaction(), connection.cursor() as cursor:
        status = _existing(run_id)
        if status not in SKIPPABLE_IN:
            raise RunRefused(f"Run {run_id} is {status}.", "A step is skipped while its run is live, or has failed.")
        step = _step(run_id, target)
        cursor.execute(
            "UPDATE dwh_lineage.run_steps SET state = 'skipped', ended_at = clock_timestamp(),"
            " error_sqlstate = NULL, error_message = NULL, error_hint = NULL WHERE id = %s AND state = ANY (%s)",
            [step.pk, list(SKIPPABLE)],
        )
        if not cursor.rowcount:  # asked again: a worker may have taken it just now
            state = _step(run_id, target).state
            raise RunRefused(f"{target} is {state} in run {run_id}.", "What is done or running cannot be skipped.")
        _record(Intervention.Verb.SKIP, run_id, by, reason, step)
        if status != RunStatus.FAILED:
            _begin(run_id, status)
            waiting = Step.objects.filter(run=run_id, state=StepState.UPSTREAM_FAILED)
            _again(run_id, list(waiting.filter(target__in=following(run_id, target)).values_list("target", flat=True)))
            _go_on(run_id, here=False)
    return PipelineRun.objects.get(pk=run_id)


def rerun_step(
    run_id: int, target: str, by: str = "", reason: str = "", *, rebuild: bool = False, here: bool = False
) -> PipelineRun:
    """Carries out a step again, and all that follows it in the run: each takes what waits for it by now.

    `rebuild`: the step writes its table anew from all its inputs. `here`: as in resume_run.

    Raises RunRefused where the step is not done, or not all that it needs is, or one that follows it is on its way;
    RunIsLive as resume_run.
    """
    with _alone(run_id), brief_transaction():
        status = _existing(run_id)
        if status not in RERUNNABLE_IN:
            raise RunRefused(f"Run {run_id} is {status}.", "Start a new run instead.")
        step = _step(run_id, target)
        after = following(run_id, target)
        _require_rerunnable(step, after, rebuild)
        _reopen(run_id)
        _again(run_id, [target, *after], target if rebuild else "")
        _record(Intervention.Verb.RERUN, run_id, by, reason, step)
        _go_on(run_id, here)
    return PipelineRun.objects.get(pk=run_id)


def following(run_id: int, target: str) -> set[str]:
    """The tables whose steps come after that of `target`, near and far."""
    needs = dict(Step.objects.filter(run=run_id).order_by("position").values_list("target", "needs"))
    found: set[str] = set()
    for name, needed in needs.items():  # in the order of what they need
        if not {target, *found}.isdisjoint(needed):
            found.add(name)
    return found


def _require_rerunnable(step: Step, after: set[str], rebuild: bool) -> None:
    if step.state not in RERUNNABLE:
        raise RunRefused(
            f"{step.target} is {step.state.replace('_', ' ')} in run {step.run_id}.",
            "What has ended can be carried out again; what waits for another step goes on with that.",
        )
    steps = Step.objects.filter(run=step.run_id)
    for needed in steps.filter(target__in=step.needs).exclude(state__in=("succeeded", "skipped")):
        raise RunRefused(f"{step.target} needs {needed.target}, which is {needed.state}.", "Carry that out again.")
    for other in steps.filter(target__in=after, state__in=_ON_ITS_WAY):
        raise RunRefused(f"{other.target}, which follows, is {other.state}.", "Wait until it has ended.")
    if rebuild and not Target.objects.filter(pk=step.target, rebuild_routine__isnull=False).exists():
        raise RunRefused(f"The table {step.target} has no rebuild.", "Carry it out without one.")


def _again(run_id: int, targets: list[str], anew: str = "") -> None:
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, {"run": run_id, "targets": targets, "anew": anew})


def _reopen(run_id: int) -> None:
    version = code_version(Step.objects.filter(run=run_id).values_list("target", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_REOPEN, {"run": run_id, "version": version, "like": f"%{version}"})


def _begin(run_id: int, status: str) -> None:
    """A run that has not begun does so, since only a run that has can end."""
    if status == RunStatus.PENDING:
        PipelineRun.objects.filter(pk=run_id, status=status).update(status=RunStatus.RUNNING)


def _go_on(run_id: int, here: bool) -> None:
    due = settle_run(run_id)
    ring_on_commit([] if here else due)


def _record(verb: Intervention.Verb, run_id: int, by: str, reason: str, step: Step | None = None) -> None:
    Intervention.objects.create(run_id=run_id, step=step, verb=verb, by=by, reason=reason)


def _existing(run_id: int) -> str:
    status = lock_run(run_id)
    if status is None:
        raise _missing(run_id)
    return status


def _missing(run_id: int) -> RunRefused:
    return RunRefused(f"There is no run {run_id}.", "The page Runs lists them, newest first.")


def _step(run_id: int, target: str) -> Step:
    step = Step.objects.filter(run=run_id, target=target).first()
    if step is None:
        known = ", ".join(Step.objects.filter(run=run_id).order_by("position").values_list("target", flat=True))
        raise RunRefused(f"Run {run_id} has no step {target}.", f"Its steps: {known or 'none'}.")
    return step


@contextmanager
def _alone(run_id: int) -> Iterator[None]:
    """Turns the index's refusal of a second live run of a pipeline into RunIsLive."""
    try:
        yield
    except IntegrityError as error:
        if "pipeline_runs_one_live" not in str(error):
            raise
        name = PipelineRun.objects.values_list("pipeline_name", flat=True).get(pk=run_id)
        raise RunIsLive(name, live_run(name)) from None
