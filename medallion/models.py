"""When pipelines run, and which files came by themselves or by upload."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from lineage.models import PipelineRun


class InstalledPipeline(models.Model):
    """A declared pipeline, as the database knows it: written by migrate, read by runs from SQL alone."""

    name = models.TextField(primary_key=True)
    targets = ArrayField(models.TextField())
    description = models.TextField(db_default="")
    time_limit = models.DurationField(null=True)
    step_time_limit = models.DurationField(null=True)

    class Meta:
        db_table = "pipelines"
        db_table_comment = "Declared pipelines and their targets, as of the last migrate"

    def __str__(self) -> str:
        return self.name


class Schedule(models.Model):
    """When a pipeline runs by itself. A declaration makes it; a person may change it (medallion/schedules)."""

    class CatchUp(models.TextChoices):
        ALL = "all"
        LATEST = "latest"
        NONE = "none"

    pipeline = models.TextField()
    cron = models.TextField(help_text="Minute, hour, day of month, month, day of week")
    time_zone = models.TextField(db_default="UTC")
    catch_up = models.TextField(choices=CatchUp.choices, db_default=CatchUp.LATEST)
    catch_up_within = models.DurationField(null=True, blank=True, help_text="A time older than this is skipped")
    fresh_within = models.DurationField(
        null=True, blank=True, help_text="Longest time without a success; empty: an hour after the next time"
    )
    parameters = models.JSONField(db_default=Value({}, models.JSONField()))
    paused = models.BooleanField(db_default=False)
    pause_reason = models.TextField(blank=True, db_default="")
    declared = models.JSONField(null=True, blank=True, help_text="What the declaration says; NULL: made by a person")
    next_at = models.DateTimeField(db_default=Now(), help_text="No time before this is still to be recorded")
    fresh_until = models.DateTimeField(null=True, blank=True, help_text="When to look whether it is overdue")
    overdue = models.BooleanField(db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "schedules"
        db_table_comment = "When pipelines run by themselves"
        ordering = ("pipeline",)
        indexes = (
            # A tick reads what is due, however many schedules there are.
            models.Index(fields=("next_at",), condition=Q(paused=False), name="schedules_next_idx"),
            models.Index(fields=("fresh_until",), condition=Q(paused=False), name="schedules_fresh_idx"),
        )
        constraints = (
            models.UniqueConstraint(fields=("pipeline",), name="schedules_once"),
            models.CheckConstraint(condition=Q(catch_up__in=("all", "latest", "none")), name="schedules_catch_up"),
        )

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.cron} ({self.time_zone})"


class ScheduleSlot(models.Model):
    """One time of a schedule, and what became of it. Every time has exactly one."""

    class State(models.TextChoices):
        WAITING = "waiting"
        STARTED = "started"
        SKIPPED = "skipped"

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="slots")
    logical_time = models.DateTimeField(help_text="The time of the schedule, however late it was recorded")
    state = models.TextField(choices=State.choices, db_default=State.WAITING)
    reason = models.TextField(blank=True, db_default="", help_text="Why it waits or was skipped")
    run = models.ForeignKey(PipelineRun, models.SET_NULL, null=True, blank=True, related_name="slots")
    recorded_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was started or skipped")

    class Meta:
        db_table = "schedule_slots"
        db_table_comment = "The times of the schedules, and what became of each"
        indexes = (
            models.Index(fields=("schedule", "logical_time"), condition=Q(state="waiting"), name="schedule_slots_wait"),
        )
        constraints = (
            models.UniqueConstraint(fields=("schedule", "logical_time"), name="schedule_slots_once"),
            models.CheckConstraint(
                condition=Q(state__in=("waiting", "started", "skipped")), name="schedule_slots_state_known"
            ),
        )
        triggers = (
            pgtrigger.FSM(
                name="slot_states", field="state", transitions=[("waiting", "started"), ("waiting", "skipped")]
            ),
        )

    def __str__(self) -> str:
        return f"{self.logical_time:%Y-%m-%d %H:%M} {self.state}"


class ScheduleChange(models.Model):
    """Who changed a schedule, and how; append-only."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="changes")
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.TextField()
    changes = models.JSONField(help_text="Field → [before, after]")

    class Meta:
        db_table = "schedule_changes"
        db_table_comment = "Who changed which schedule, and how"
        ordering = ("-id",)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.changed_by}: {', '.join(self.changes)}"


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


class FeedDelivery(models.Model):
    """What was sent to a source by HTTP, and landed; the same sent again is known by its key, or its content."""

    source = models.TextField()
    key = models.TextField(help_text="What the sender calls it; else the checksum of its content")
    checksum = models.TextField(help_text="SHA-256 of the body, unpacked")
    bytes = models.BigIntegerField(help_text="Of the body, unpacked")
    received_at = models.DateTimeField(db_default=Now())
    rows = models.BigIntegerField(db_default=0)
    unreadable = models.BigIntegerField(db_default=0, help_text="Records that are no rows, kept as they are")

    class Meta:
        db_table = "feed_deliveries"
        db_table_comment = "What was sent by HTTP, and landed"
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("source", "key"), name="feed_deliveries_once"),)

    def __str__(self) -> str:
        return f"{self.source}: delivery {self.pk}"


class Pull(models.Model):
    """A pull of an API or a database: how far it has come, and where it goes on. Written in the transactions that land
    its pages."""

    class State(models.TextChoices):
        RUNNING = "running"
        FAILED = "failed"
        DONE = "done"
        ABANDONED = "abandoned"

    source = models.TextField()
    state = models.TextField(choices=State.choices, db_default=State.RUNNING)
    started_at = models.DateTimeField(db_default=Now())
    progressed_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    pages = models.IntegerField(db_default=0, help_text="Pages that have landed")
    rows = models.BigIntegerField(db_default=0)
    next_request = models.JSONField(null=True, blank=True, help_text="What is asked for next, without secrets")
    since = models.TextField(null=True, blank=True, help_text="What the pulls before have seen")
    highest = models.TextField(null=True, blank=True, help_text="The highest of `since` so far, for the next pull")
    checksum = models.TextField(null=True, blank=True, help_text="Of all that was read, where everything is")
    error = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "pulls"
        db_table_comment = "Pulls of APIs and databases"
        ordering = ("-id",)
        indexes = (models.Index(fields=("source", "-id"), name="pulls_source_idx"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=("running", "failed", "done", "abandoned")), name="pulls_state_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.source}: {self.state}, {self.pages} pages"
