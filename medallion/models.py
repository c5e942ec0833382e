"""When pipelines run."""

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
