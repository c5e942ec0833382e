"""Creating runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.db import IntegrityError, connection

from lineage.connections import brief_transaction
from lineage.models import Backfill, PipelineRun, Step
from lineage.states import LIVE_RUN_STATES, RunStatus, StepState
from medallion.execution.doorbell import ring_on_commit
from medallion.execution.errors import RunIsLive, RunRefused
from medallion.execution.plan import PlannedStep, steps_of_rebuild, steps_upstream
from medallion.pipelines import Pipeline
from medallion.registry import warehouse


def create_run(
    pipeline: str,
    requested_by: str = "",
    trigger: str = "manual",
    parameters: Mapping[str, Any] | None = None,
    *,
    logical_time: datetime | None = None,
    backfill: Backfill | None = None,
    here: bool = False,
) -> PipelineRun:
    """Creates a run of the pipeline named `pipeline` with all its steps, and rings for the first of them.

    `logical_time`: the time that the run stands for; steps find it among the parameters, in UTC.
    `backfill`: whose run it is, for `logical_time`; it goes after what is live, and keeps no live run from starting.
    `here`: no ringing; the caller hands the run to `run_here`.

    Raises RunRefused (unknown pipeline, a table that is not installed, a circle) and RunIsLive: there is no run then.
    """
    declared = declared_pipeline(pipeline)
    given = dict(parameters or {})
    if logical_time is not None:
        given["logical_time"] = logical_time.astimezone(UTC).isoformat()
    run, due = _create(
        steps_upstream(declared.target_names()),
        pipeline_name=pipeline,
        concurrency_key=f"{pipeline}, {backfill}, {logical_time}" if backfill else pipeline,
        requested_by=requested_by,
        trigger=trigger,
        parameters=given,
        logical_time=logical_time,
        backfill=backfill,
        time_limit=declared.time_limit,
        step_time_limit=declared.step_time_limit,
    )
    if not here:
        ring_on_commit(due)
    return run


def create_rebuild(table: str, requested_by: str = "", trigger: str = "manual", *, here: bool = False) -> PipelineRun:
    """Creates a run that writes `table` anew from all its inputs and then loads what it feeds. Else as create_run."""
    run, due = _create(
        steps_of_rebuild(table),
        pipeline_name=f"rebuild {table}",
        concurrency_key=f"rebuild {table}",
        requested_by=requested_by,
        trigger=trigger,
        parameters={"rebuild": table},
    )
    if not here:
        ring_on_commit(due)
    return run


def declared_pipeline(name: str) -> type[Pipeline]:
    """The declaration of the pipeline `name`. Raises RunRefused, with the names that there are."""
    pipelines = warehouse().pipelines
    if name not in pipelines:
        known = ", ".join(sorted(pipelines)) or "none; declare one in a warehouse.py named in ASSAY_WAREHOUSES"
        raise RunRefused(f"There is no pipeline {name}.", f"Pipelines: {known}.")
    return pipelines[name]


def code_version(targets: Iterable[str]) -> str:
    """Twelve hex digits that change with Assay's version or with the declaration of one of `targets`."""
    try:
        of_assay = version("assay")
    except PackageNotFoundError:  # a checkout that was not installed
        of_assay = "checkout"
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.code_version(%s, %s)", [list(targets), of_assay])
        (digest,) = cursor.fetchone()
    return str(digest)


def live_run(name: str) -> int | None:
    """The run of the pipeline `name` that has not ended."""
    runs = PipelineRun.objects.filter(concurrency_key=name, status__in=LIVE_RUN_STATES)
    return runs.values_list("run_id", flat=True).first()


def _create(steps: list[PlannedStep], *, concurrency_key: str, **fields: Any) -> tuple[PipelineRun, list[int]]:
    try:
        with brief_transaction():
            run = PipelineRun.objects.create(
                status=RunStatus.PENDING,
                code_version=code_version(step.target for step in steps),
                concurrency_key=concurrency_key,
                **fields,
            )
            return run, _add_steps(run, steps)
    except IntegrityError as error:
        # The partial unique index decides, so twenty starters at one moment make one run.
        if "pipeline_runs_one_live" not in str(error):
            raise
        raise RunIsLive(concurrency_key, live_run(concurrency_key)) from None


def _add_steps(run: PipelineRun, steps: list[PlannedStep]) -> list[int]:
    created = Step.objects.bulk_create(
        Step(
            run=run,
            target=step.target,
            position=position,
            needs=step.needs,
            rebuild=step.rebuild,
            state=StepState.BLOCKED if step.needs else StepState.QUEUED,
        )
        for position, step in enumerate(steps, start=1)
    )
    return [step.pk for step in created if step.state == StepState.QUEUED]
