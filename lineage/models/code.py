"""The code that makes the tables, in all its versions, with what was read from each."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now


class CodeVersion(models.Model):
    """A version of a routine or a view: its text under its fingerprint, and how much of it was understood."""

    name = models.TextField(help_text="With its schema; with its arguments where several have the name")
    kind = models.TextField(help_text="function, procedure, view, materialized view")
    sql_hash = models.TextField(help_text="SHA-256 of the body, as dwh_lineage.sql_hash gives it")
    definition = models.TextField(help_text="The whole text")
    first_seen_at = models.DateTimeField(db_default=Now(), help_text="At a migration, or when a load ran it first")
    is_current = models.BooleanField(db_default=False, help_text="Whether it is what is installed")
    parsed_as = models.TextField(
        blank=True, db_default="", help_text="Fingerprint of the text and of all that its meaning depends on"
    )
    parsed_at = models.DateTimeField(null=True, blank=True)
    statements = models.IntegerField(null=True, blank=True)
    understood = models.IntegerField(null=True, blank=True)
    gaps = models.JSONField(
        db_default=Value([], models.JSONField()), help_text="What was not understood: statement and reason"
    )
    reads = ArrayField(models.TextField(), db_default=Value([], ArrayField(models.TextField())))
    writes = ArrayField(models.TextField(), db_default=Value([], ArrayField(models.TextField())))

    class Meta:
        db_table = "code_versions"
        db_table_comment = "Routines and views in all their versions, with what was read from them"
        ordering = ("name", "-first_seen_at")
        constraints = (models.UniqueConstraint(fields=("name", "sql_hash"), name="code_versions_once"),)

    def __str__(self) -> str:
        return f"{self.name} {self.sql_hash[:12]}"
