"""Runs of pipelines, their steps, and the attempts and leases of those."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from lineage.models.backfills import Backfill
from lineage.models.ledger import Batch
from lineage.states import ATTEMPT_OUTCOMES, LIVE_RUN_STATES, RUN_TRANSITIONS, STEP_TRANSITIONS, RunStatus, StepState

#: What a step fails with where a gate has refused its load.
GATES = ("AS050", "AS051", "AS070", "AS082")

_SET_DEADLINE = """
IF TG_OP = 'INSERT' OR OLD.status <> 'running' THEN
    NEW.deadline_at = clock_timestamp() + NEW.time_limit;
END IF;
RETURN NEW;
"""

_COUNT_END = """
INSERT INTO dwh_lineage.pipeline_totals AS t (pipeline_name, status, runs, seconds, last_at)
VALUES (
    NEW.pipeline_name, NEW.status, 1,
    extract(epoch FROM coalesce(NEW.completed_at, clock_timestamp()) - coalesce(NEW.started_at, NEW.created_at)),
    coalesce(NEW.completed_at, clock_timestamp())
)
ON CONFLICT (pipeline_name, status) DO UPDATE
SET runs = t.runs + 1, seconds = t.seconds + excluded.seconds, last_at = greatest(t.last_at, excluded.last_at);
RETURN NULL;
"""


class PipelineRun(models.Model):
    """One execution of a pipeline. `batch_id` is the run id that all its loads share."""

    run_id = models.BigAutoField(primary_key=True)
    batch_id = models.UUIDField(unique=True, db_default=RandomUUID())
    pipeline_name = models.TextField()
    status = models.TextField(choices=RunStatus.choices, db_default=RunStatus.RUNNING)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    parameters = models.JSONField(db_default=Value({}, models.JSONField()))
    error_message = models.TextField(null=True, blank=True)
    metrics = models.JSONField(db_default=Value({}, models.JSONField()))
    trigger = models.TextField(db_default="sql", help_text="manual, schedule, sql")
    requested_by = models.TextField(db_default="")
    code_version = models.TextField(db_default="")
    concurrency_key = models.TextField(null=True, blank=True, help_text="One live run for each key")
    logical_time = models.DateTimeField(null=True, blank=True, help_text="The time of its schedule that it stands for")
    backfill = models.ForeignKey(Backfill, models.SET_NULL, null=True, blank=True, related_name="runs")
    time_limit = models.DurationField(null=True, blank=True, help_text="How long it may run")
    step_time_limit = models.DurationField(null=True, blank=True, help_text="How long a load of it may run")
    deadline_at = models.DateTimeField(null=True, blank=True, help_text="Where its time limit ends; empty: not begun")

    class Meta:
        db_table = "pipeline_runs"
        db_table_comment = "Executions of pipelines"
        indexes = (
            models.Index(fields=("pipeline_name", "-run_id"), name="pipeline_runs_name_idx"),
            models.Index(fields=("status",), name="pipeline_runs_status_idx"),
            models.Index(fields=("started_at",), name="pipeline_runs_started_idx"),
            models.Index(
                fields=("pipeline_name", "logical_time"),
                condition=Q(logical_time__isnull=False),
                name="pipeline_runs_logical_idx",
            ),
            models.Index(fields=("created_at",), name="pipeline_runs_created_idx"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="pipeline_runs_status_known"),
            models.UniqueConstraint(
                fields=("concurrency_key",), condition=Q(status__in=LIVE_RUN_STATES), name="pipeline_runs_one_live"
            ),
            models.UniqueConstraint(
                fields=("backfill", "logical_time"),
                condition=Q(backfill__isnull=False),
                name="pipeline_runs_backfilled_once",
            ),
        )
        triggers = (
            pgtrigger.FSM(name="run_states", field="status", transitions=RUN_TRANSITIONS),
            # However a run begins, or begins again, its time begins then.
            pgtrigger.Trigger(
                name="set_deadline",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Q(new__status="running", new__time_limit__isnull=False),
                func=_SET_DEADLINE,
            ),
            pgtrigger.Trigger(
                name="count_ends",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("status"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Condition(
                    "OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('completed', 'failed', 'cancelled')"
                ),
                func=_COUNT_END,
            ),
        )

    def __str__(self) -> str:
        return f"{self.pipeline_name} {self.run_id}"


class Step(models.Model):
    """One table's load in one run. Written by the scheduler's transitions and, at its end, by the load itself."""

    run = models.ForeignKey(PipelineRun, models.CASCADE, related_name="steps")
    target = models.TextField()
    position = models.IntegerField(help_text="Order in the run: what it needs comes before it")
    needs = ArrayField(models.TextField(), db_default=Value([], ArrayField(models.TextField())))
    state = models.TextField(choices=StepState.choices, db_default=StepState.BLOCKED)
    rebuild = models.BooleanField(db_default=False)
    token = models.BigIntegerField(db_default=0, help_text="Number of the claim; only its holder may finish the step")
    due_at = models.DateTimeField(db_default=Now())
    failures = models.IntegerField(db_default=0, help_text="Attempts that failed and may be tried again")
    lost = models.IntegerField(db_default=0, help_text="Attempts whose worker vanished")
    batch = models.ForeignKey(Batch, models.SET_NULL, null=True, blank=True, db_column="batch_no")
    error_sqlstate = models.TextField(null=True, blank=True)
    error_message = models.TextField(null=True, blank=True)
    error_hint = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "run_steps"
        db_table_comment = "Loads of a run, one for each table"
        ordering = ("run", "position")
        indexes = (
            models.Index(fields=("due_at",), condition=Q(state__in=("queued", "retrying")), name="run_steps_due_idx"),
            models.Index(
                fields=("target", "-id"),
                condition=Q(state="failed", error_sqlstate__in=GATES),
                name="run_steps_refused_idx",
            ),
            # The last step of a table, for pages.
            models.Index(fields=("target", "-id"), name="run_steps_target_idx"),
        )
        constraints = (
            models.UniqueConstraint(fields=("run", "target"), name="run_steps_once"),
            models.CheckConstraint(condition=Q(state__in=StepState.values), name="run_steps_state_known"),
        )
        triggers = (pgtrigger.FSM(name="step_states", field="state", transitions=STEP_TRANSITIONS),)

    def __str__(self) -> str:
        return f"{self.target} in run {self.run_id}"


class Attempt(models.Model):
    """One try at a step. Recorded before any work; its outcome is written once."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="attempts")
    token = models.BigIntegerField()
    worker = models.TextField()
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(null=True, blank=True, choices=[(o, o) for o in ATTEMPT_OUTCOMES])
    sqlstate = models.TextField(null=True, blank=True)
    message = models.TextField(null=True, blank=True)
    hint = models.TextField(null=True, blank=True)
    notices = models.JSONField(
        db_default=Value([], models.JSONField()), help_text="What the database said: at, severity, message, hint"
    )

    class Meta:
        db_table = "step_attempts"
        db_table_comment = "Tries at a step; append-only but for the outcome, which is written once"
        ordering = ("step", "token")
        indexes = (models.Index(fields=("ended_at",), name="step_attempts_ended_idx"),)
        constraints = (models.UniqueConstraint(fields=("step", "token"), name="step_attempts_once"),)
        triggers = (
            pgtrigger.Protect(
                name="outcome_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__outcome__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"attempt {self.token} of step {self.step_id}"


class Lease(models.Model):
    """Who works at a step, and until when. A table of its own: loads run in REPEATABLE READ and must not
    update a row that a heartbeat touches."""

    step = models.OneToOneField(Step, models.CASCADE, primary_key=True, related_name="lease")
    token = models.BigIntegerField()
    worker = models.TextField()
    until = models.DateTimeField()
    cancel_requested = models.BooleanField(db_default=False)
    progress = models.JSONField(db_default=Value({}, models.JSONField()))

    class Meta:
        db_table = "step_leases"
        db_table_comment = "Leases of running steps, renewed by heartbeats"

    def __str__(self) -> str:
        return f"lease of step {self.step_id} until {self.until:%H:%M:%S}"
