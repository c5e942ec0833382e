"""What happened: targets, the ledger of batches, runs with their steps, and the edges between tables and columns.

All tables stand in the schema `dwh_lineage`. Columns that the guide names keep its names. Defaults are the
database's own (`db_default`), because routines written in SQL insert here too.
"""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Extract, Now

from lineage.states import ATTEMPT_OUTCOMES, LIVE_RUN_STATES, RUN_TRANSITIONS, STEP_TRANSITIONS, RunStatus, StepState


class Target(models.Model):
    """A table that loads write. Its row is what a load locks first, so two loads of one table exclude each other."""

    class Layer(models.TextChoices):
        BRONZE = "bronze"
        SILVER = "silver"
        GOLD = "gold"

    target = models.TextField(primary_key=True, help_text="Schema and name, as in silver.customers")
    layer = models.TextField(choices=Layer.choices)
    kind = models.TextField(help_text="bronze, append, scd2, dimension, fact, aggregate")
    warehouse = models.TextField(help_text="Label of the app that declares the table")
    description = models.TextField(blank=True, db_default="")
    contract = models.JSONField(db_default=Value({}, models.JSONField()), help_text="The declaration")
    rows_relation = models.TextField(help_text="Relation that holds the rows: the table, or what stands behind a view")
    load_routine = models.TextField(null=True, blank=True)
    rebuild_routine = models.TextField(null=True, blank=True)
    outcomes_routine = models.TextField(null=True, blank=True)
    load_no = models.BigIntegerField(db_default=0)
    last_event_at = models.DateTimeField(null=True, blank=True, help_text="Latest effective time that was folded")
    needs_rebuild = models.BooleanField(db_default=False, help_text="A new declaration waits for its rebuild")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "targets"
        db_table_comment = "Tables that loads write; one row each, locked by every load of its table"
        ordering = ("target",)

    def __str__(self) -> str:
        return self.target


class TargetInput(models.Model):
    """A consumer takes the batches of a source table; written by dwh_lineage.register_input alone."""

    consumer = models.ForeignKey(Target, models.CASCADE, db_column="consumer", related_name="inputs")
    source = models.ForeignKey(Target, models.PROTECT, db_column="source", related_name="consumers")

    class Meta:
        db_table = "target_inputs"
        db_table_comment = "Who takes whose batches"
        constraints = (models.UniqueConstraint(fields=("consumer", "source"), name="target_inputs_once"),)

    def __str__(self) -> str:
        return f"{self.source_id} → {self.consumer_id}"


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

    class Meta:
        db_table = "pipeline_runs"
        db_table_comment = "Executions of pipelines"
        indexes = (
            models.Index(fields=("pipeline_name", "-run_id"), name="pipeline_runs_name_idx"),
            models.Index(fields=("status",), name="pipeline_runs_status_idx"),
            models.Index(fields=("started_at",), name="pipeline_runs_started_idx"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(status__in=RunStatus.values), name="pipeline_runs_status_known"),
            models.UniqueConstraint(
                fields=("concurrency_key",), condition=Q(status__in=LIVE_RUN_STATES), name="pipeline_runs_one_live"
            ),
        )
        triggers = (pgtrigger.FSM(name="run_states", field="status", transitions=RUN_TRANSITIONS),)

    def __str__(self) -> str:
        return f"{self.pipeline_name} {self.run_id}"


class Batch(models.Model):
    """The unit of change: one ingestion or one load of one table, written in the transaction of its rows."""

    class Kind(models.TextChoices):
        INGEST = "ingest"
        FOREIGN = "foreign"
        LOAD = "load"
        REBUILD = "rebuild"

    batch_no = models.BigAutoField(primary_key=True)
    target = models.ForeignKey(Target, models.PROTECT, db_column="target", related_name="batches")
    kind = models.TextField(choices=Kind.choices)
    batch_id = models.UUIDField(null=True, blank=True, help_text="The run that wrote it")
    load_no = models.BigIntegerField(null=True, blank=True)
    source_system = models.TextField(null=True, blank=True)
    source_file = models.TextField(null=True, blank=True)
    source_checksum = models.TextField(null=True, blank=True)
    source_bytes = models.BigIntegerField(null=True, blank=True)
    ingested_at = models.DateTimeField(db_default=Now(), help_text="Start of the transaction, as on the rows")
    completed_at = models.DateTimeField(null=True, blank=True)
    first_bronze_id = models.BigIntegerField(null=True, blank=True)
    last_bronze_id = models.BigIntegerField(null=True, blank=True)
    rows_read = models.BigIntegerField(null=True, blank=True)
    rows_inserted = models.BigIntegerField(null=True, blank=True)
    rows_updated = models.BigIntegerField(null=True, blank=True)
    rows_deleted = models.BigIntegerField(null=True, blank=True)
    rows_unchanged = models.BigIntegerField(null=True, blank=True)
    rows_rejected = models.BigIntegerField(null=True, blank=True)
    opened_in = models.BigIntegerField(help_text="Transaction that opened it: only that one may write under its number")

    class Meta:
        db_table = "batches"
        db_table_comment = "The ledger: every committed change of every table"
        verbose_name_plural = "batches"
        indexes = (
            models.Index(fields=("target", "-batch_no"), name="batches_target_idx"),
            models.Index(fields=("batch_id",), name="batches_run_idx"),
        )
        constraints = (
            # The same file twice is skipped; this index says so even to two ingestions at the same moment.
            models.UniqueConstraint(
                fields=("target", "source_checksum"), condition=Q(kind="ingest"), name="batches_file_once"
            ),
        )

    def __str__(self) -> str:
        return f"batch {self.batch_no} of {self.target_id}"


class BatchInput(models.Model):
    """Which batches a load took: the provenance of a batch."""

    batch = models.ForeignKey(Batch, models.CASCADE, db_column="batch_no", related_name="taken")
    input = models.ForeignKey(Batch, models.CASCADE, db_column="input_batch_no", related_name="taken_by")

    class Meta:
        db_table = "batch_inputs"
        db_table_comment = "Which batches each load took"
        constraints = (models.UniqueConstraint(fields=("batch", "input"), name="batch_inputs_once"),)

    def __str__(self) -> str:
        return f"{self.input_id} → {self.batch_id}"


class Pending(models.Model):
    """A batch that a consumer has not yet taken."""

    consumer = models.ForeignKey(Target, models.CASCADE, db_column="consumer", related_name="pending")
    batch = models.ForeignKey(Batch, models.CASCADE, db_column="batch_no", related_name="pending_for")

    class Meta:
        db_table = "pendings"
        db_table_comment = "Batches that wait for a consumer; a load deletes the rows of what it takes"
        constraints = (models.UniqueConstraint(fields=("consumer", "batch"), name="pendings_once"),)

    def __str__(self) -> str:
        return f"{self.batch_id} waits for {self.consumer_id}"


class Watermark(models.Model):
    """How far a consumer has come, in human terms; a view of the ledger, not the mechanism."""

    table_name = models.TextField(primary_key=True)
    watermark_column = models.TextField()
    watermark_value = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    waiting_batches = models.BigIntegerField()
    waiting_rows = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "watermarks"
        ordering = ("table_name",)

    def __str__(self) -> str:
        return f"{self.table_name} up to {self.watermark_value or 'nothing yet'}"


class WatermarkMove(models.Model):
    """A watermark that somebody moved with dwh_etl.set_watermark: back, so that batches wait again, or forward."""

    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="watermark_moves")
    moved_at = models.DateTimeField(db_default=Now())
    moved_by = models.TextField(help_text="Who asked for it; the database's user where nobody said")
    reason = models.TextField(blank=True, db_default="")
    from_value = models.DateTimeField(null=True, blank=True, help_text="Empty: it had taken nothing")
    to_value = models.DateTimeField(null=True, blank=True, help_text="Empty: the very beginning, or all that waits")
    forward = models.BooleanField(help_text="Skips; otherwise batches wait again")
    batches = models.IntegerField(help_text="How many wait again, or were skipped")

    class Meta:
        db_table = "watermark_moves"
        db_table_comment = "Who moved which watermark, when and why"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.target_id} moved by {self.moved_by}"


class Skip(models.Model):
    """A batch that a consumer leaves out: a decision that rebuilds respect, undone by moving the watermark back."""

    consumer = models.ForeignKey(Target, models.CASCADE, db_column="consumer", related_name="skips")
    batch = models.ForeignKey(Batch, models.CASCADE, db_column="batch_no", related_name="skipped_by")
    move = models.ForeignKey(WatermarkMove, models.CASCADE, related_name="skips")

    class Meta:
        db_table = "skips"
        db_table_comment = "Batches that a consumer leaves out, by decision"
        constraints = (models.UniqueConstraint(fields=("consumer", "batch"), name="skips_once"),)

    def __str__(self) -> str:
        return f"{self.consumer_id} skips {self.batch_id}"


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

    class Meta:
        db_table = "step_attempts"
        db_table_comment = "Tries at a step; append-only but for the outcome, which is written once"
        ordering = ("step", "token")
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


class TableLineage(models.Model):
    """One edge that a load drew: what it read from a table and wrote to another, with true counts."""

    lineage_id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(PipelineRun, models.CASCADE, null=True, blank=True, related_name="edges")
    batch_id = models.UUIDField(help_text="The run's id; a load outside a run has one of its own")
    ledger_batch = models.ForeignKey(
        Batch, models.SET_NULL, null=True, blank=True, db_column="batch_no", related_name="edges"
    )
    source_table = models.TextField()
    target_table = models.TextField()
    operation = models.TextField()
    rows_read = models.BigIntegerField(null=True, blank=True)
    rows_inserted = models.BigIntegerField(null=True, blank=True)
    rows_updated = models.BigIntegerField(null=True, blank=True)
    rows_deleted = models.BigIntegerField(null=True, blank=True)
    rows_rejected = models.BigIntegerField(null=True, blank=True)
    rows_unchanged = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.GeneratedField(
        # The whole duration: EXTRACT(MILLISECONDS …) alone would drop the minutes.
        expression=Extract(F("completed_at") - F("started_at"), "epoch") * 1000,
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    sql_hash = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "table_lineage"
        db_table_comment = "What each load read and wrote"
        indexes = (
            models.Index(fields=("source_table",), name="table_lineage_source_idx"),
            models.Index(fields=("target_table", "-lineage_id"), name="table_lineage_target_idx"),
            models.Index(fields=("batch_id",), name="table_lineage_batch_idx"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(operation__in=("ingest", "transform", "aggregate", "refresh", "delete")),
                name="table_lineage_operation_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.source_table} → {self.target_table}"


class ColumnLineage(models.Model):
    """One column from which another is made. Declared edges stand alone; a load's edge names its table edge."""

    lineage = models.ForeignKey(TableLineage, models.CASCADE, null=True, blank=True, related_name="columns")
    source_table = models.TextField(db_default="")
    source_column = models.TextField()
    target_table = models.TextField(db_default="")
    target_column = models.TextField()
    transformation = models.TextField(null=True, blank=True)
    is_key = models.BooleanField(db_default=False)
    kind = models.TextField(db_default="DIRECT", help_text="DIRECT: the value. INDIRECT: join, filter, group, sort")
    origin = models.TextField(db_default="declared", help_text="declared, parsed, observed, openlineage")
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "column_lineage"
        db_table_comment = "Columns and what they are made of"
        indexes = (
            models.Index(fields=("target_table", "target_column"), name="column_lineage_target_idx"),
            models.Index(fields=("source_table", "source_column"), name="column_lineage_source_idx"),
        )

    def __str__(self) -> str:
        return f"{self.source_table}.{self.source_column} → {self.target_table}.{self.target_column}"


class TableDependency(models.Model):
    """An edge of the dependency graph."""

    upstream_table = models.TextField()
    downstream_table = models.TextField()
    dependency_type = models.TextField(db_default="data")
    origin = models.TextField(db_default="observed", help_text="declared, parsed, observed, openlineage")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "table_dependencies"
        db_table_comment = "Which table feeds which"
        verbose_name_plural = "table dependencies"
        indexes = (models.Index(fields=("downstream_table",), name="table_dep_downstream_idx"),)
        constraints = (
            models.UniqueConstraint(fields=("upstream_table", "downstream_table"), name="table_dependencies_once"),
            models.CheckConstraint(
                condition=Q(dependency_type__in=("data", "reference", "optional")),
                name="table_dependencies_type_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.upstream_table} → {self.downstream_table}"
