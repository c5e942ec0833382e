"""Backfills: a pipeline run again for a range of logical times."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from lineage.states import BACKFILL_TRANSITIONS, BackfillState


class Backfill(models.Model):
    """One order to run a pipeline for each logical time of a range, a few at once, after what is live."""

    class Redo(models.TextChoices):
        NONE = "none", "times without a run"
        FAILED = "failed", "times without a run, or whose last run failed"
        ALL = "all", "every time, taking again what came in it"

    pipeline = models.TextField()
    cron = models.TextField(help_text="Which logical times there are")
    time_zone = models.TextField(db_default="UTC")
    first_time = models.DateTimeField()
    last_time = models.DateTimeField()
    redo = models.TextField(choices=Redo.choices, db_default=Redo.NONE)
    max_active = models.IntegerField(db_default=1, help_text="How many of its runs may live at once")
    state = models.TextField(choices=BackfillState.choices, db_default=BackfillState.RUNNING)
    requested_by = models.TextField(db_default="")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "backfills"
        db_table_comment = "Pipelines run again for a range of logical times"
        ordering = ("-id",)
        indexes = (models.Index(fields=("id",), condition=Q(state="running"), name="backfills_running_idx"),)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=BackfillState.values), name="backfills_state_known"),
            models.CheckConstraint(condition=Q(redo__in=("none", "failed", "all")), name="backfills_redo_known"),
            models.CheckConstraint(condition=Q(max_active__gte=1), name="backfills_max_active_positive"),
        )
        triggers = (pgtrigger.FSM(name="backfill_states", field="state", transitions=BACKFILL_TRANSITIONS),)

    def __str__(self) -> str:
        return f"backfill {self.pk} of {self.pipeline}"


class BackfillTime(models.Model):
    """A logical time of a backfill; its run is the one that names both."""

    backfill = models.ForeignKey(Backfill, models.CASCADE, related_name="times")
    logical_time = models.DateTimeField()
    after = models.DateTimeField(help_text="The logical time before: between the two is what this one stands for")

    class Meta:
        db_table = "backfill_times"
        db_table_comment = "The logical times of backfills"
        ordering = ("backfill", "logical_time")
        constraints = (models.UniqueConstraint(fields=("backfill", "logical_time"), name="backfill_times_once"),)

    def __str__(self) -> str:
        return f"{self.logical_time:%Y-%m-%d %H:%M} of backfill {self.backfill_id}"


class BackfillChange(models.Model):
    """Who did what to a backfill, and why; append-only."""

    backfill = models.ForeignKey(Backfill, models.CASCADE, related_name="changes")
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.TextField()
    state = models.TextField(choices=BackfillState.choices, help_text="The state that it had from then on")
    reason = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "backfill_changes"
        db_table_comment = "Who did what to which backfill, and why"
        ordering = ("-id",)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.state} by {self.changed_by}"
