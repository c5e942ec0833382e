"""Signs of life of what beat sends."""

from __future__ import annotations

from django.db import models


class Tick(models.Model):
    """When something that beat asks for was last done: `tick` (schedules), `sweep` (the sweeper)."""

    name = models.TextField(primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "ticks"
        db_table_comment = "When what beat asks for was last done"

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"
