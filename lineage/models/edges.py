"""Edges between tables and between columns: those that loads drew, and those that hold whatever is loaded."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Extract, Now

from lineage.models.ledger import Batch
from lineage.models.runs import PipelineRun


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
    role = models.TextField(
        db_default="",
        help_text="Of a parsed edge: value, join, filter, group by, distinct, sort, having, window, condition",
    )
    origin = models.TextField(db_default="declared", help_text="declared, parsed, observed, openlineage")
    routine = models.TextField(null=True, blank=True, help_text="The routine or view from which it was parsed")
    sql_hash = models.TextField(null=True, blank=True, help_text="Fingerprint of that text: see code_versions")
    notes = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "column_lineage"
        db_table_comment = "Columns and what they are made of"
        indexes = (
            models.Index(fields=("target_table", "target_column"), name="column_lineage_target_idx"),
            models.Index(fields=("source_table", "source_column"), name="column_lineage_source_idx"),
            models.Index(fields=("routine",), condition=Q(origin="parsed"), name="column_lineage_parsed_idx"),
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
