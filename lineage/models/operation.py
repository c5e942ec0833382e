"""Who works, what people did to runs, and counters that answer at once however long the history is."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from lineage.models.ledger import Target
from lineage.models.runs import PipelineRun, Step


class Worker(models.Model):
    """A process that works at steps. It writes its row every few seconds, and takes it away when it ends in order."""

    name = models.TextField(primary_key=True, help_text="Host and process, as attempts and leases name it")
    host = models.TextField()
    pid = models.IntegerField()
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    version = models.TextField(help_text="Version of Assay")
    queues = ArrayField(models.TextField(), help_text="Celery's queues; none: it carries out one run in a terminal")
    steps = models.BigIntegerField(db_default=0, help_text="Attempts since it started")
    busy_seconds = models.FloatField(db_default=0.0, help_text="Time spent on them")

    class Meta:
        db_table = "workers"
        db_table_comment = "Processes that work at steps, with their last sign of life"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Intervention(models.Model):
    """What a person did to a run, or to one step of it; append-only."""

    class Verb(models.TextChoices):
        CANCEL = "cancel", "Cancelled"
        RESUME = "resume", "Resumed"
        SKIP = "skip", "Skipped"
        RERUN = "rerun", "Carried out again"

    run = models.ForeignKey(PipelineRun, models.CASCADE, related_name="interventions")
    step = models.ForeignKey(Step, models.CASCADE, null=True, blank=True, related_name="interventions")
    verb = models.TextField(choices=Verb.choices)
    by = models.TextField(help_text="Who asked for it")
    reason = models.TextField(blank=True, db_default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "run_interventions"
        db_table_comment = "What people did to runs: who, when and why"
        ordering = ("-id",)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.verb} of run {self.run_id} by {self.by}"


class PipelineTotal(models.Model):
    """How often a pipeline has ended how; kept by the trigger count_ends of pipeline_runs."""

    pipeline_name = models.TextField()
    status = models.TextField()
    runs = models.BigIntegerField(help_text="A run that is resumed and ends again counts again")
    seconds = models.FloatField(help_text="Sum of their durations")
    last_at = models.DateTimeField()

    class Meta:
        db_table = "pipeline_totals"
        db_table_comment = "How often each pipeline has ended how, and when last"
        constraints = (models.UniqueConstraint(fields=("pipeline_name", "status"), name="pipeline_totals_once"),)

    def __str__(self) -> str:
        return f"{self.pipeline_name} {self.status}: {self.runs}"


class TargetTotal(models.Model):
    """Sums over the older part of the ledger, one row a table; lineage/totals.py adds the rest."""

    target = models.OneToOneField(Target, models.CASCADE, primary_key=True, db_column="target", related_name="total")
    counted_below = models.BigIntegerField(help_text="Batches opened in older transactions than this one are in")
    batches = models.BigIntegerField()
    rows_read = models.BigIntegerField()
    rows_inserted = models.BigIntegerField()
    rows_updated = models.BigIntegerField()
    rows_deleted = models.BigIntegerField()
    rows_unchanged = models.BigIntegerField()
    rows_rejected = models.BigIntegerField()

    class Meta:
        db_table = "target_totals"
        db_table_comment = "Sums over the older part of the ledger"

    def __str__(self) -> str:
        return f"{self.target_id}: {self.batches} batches"
