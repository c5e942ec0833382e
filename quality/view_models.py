"""What people keep for themselves about the pages."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """What somebody narrows the list of exceptions to, under a name of theirs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="exception_views")
    name = models.TextField()
    query = models.TextField(help_text="The list's query string")

    class Meta:
        db_table = "saved_views"
        db_table_comment = "What people narrow the list of exceptions to"
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="saved_views_once"),)

    def __str__(self) -> str:
        return self.name
