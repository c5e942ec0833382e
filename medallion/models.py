"""When pipelines run, and which files came by themselves or by upload."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now


class Schedule(models.Model):
    """When a pipeline runs by itself."""

    class CatchUp(models.TextChoices):
        ALL = "all"
        LATEST = "latest"
        NONE = "none"

    pipeline = models.TextField()
    cron = models.TextField()
    time_zone = models.TextField(db_default="UTC")
    catch_up = models.TextField(choices=CatchUp.choices, db_default=CatchUp.LATEST)
    parameters = models.JSONField(db_default=Value({}, models.JSONField()))
    paused = models.BooleanField(db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "schedules"
        db_table_comment = "When pipelines run by themselves"
        constraints = (
            models.UniqueConstraint(fields=("pipeline",), name="schedules_once"),
            models.CheckConstraint(condition=Q(catch_up__in=("all", "latest", "none")), name="schedules_catch_up"),
        )

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.cron} ({self.time_zone})"


class ReceivedFile(models.Model):
    """A file that came by pickup or by upload, and what became of it. The ledger knows the batches; this knows the
    looks: a file that failed is tried again only when it has changed."""

    class State(models.TextChoices):
        GROWING = "growing"
        INGESTED = "ingested"
        SKIPPED = "skipped"
        FAILED = "failed"

    target = models.TextField(help_text="The bronze table")
    file = models.TextField(help_text="Its path under the data root")
    size = models.BigIntegerField(help_text="Bytes, as stored")
    modified_ns = models.BigIntegerField(help_text="When it was last written, in nanoseconds since 1970")
    state = models.TextField(choices=State.choices)
    seen_at = models.DateTimeField(db_default=Now())
    uploaded_by = models.TextField(blank=True, db_default="", help_text="Empty: it was picked up")
    batch_no = models.BigIntegerField(null=True, blank=True)
    rows = models.BigIntegerField(null=True, blank=True)
    unreadable = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "received_files"
        db_table_comment = "Files that came by pickup or by upload"
        ordering = ("-seen_at",)
        indexes = (models.Index(fields=("-seen_at",), name="received_files_seen_idx"),)
        constraints = (models.UniqueConstraint(fields=("target", "file"), name="received_files_once"),)

    def __str__(self) -> str:
        return f"{self.file} for {self.target}: {self.state}"
