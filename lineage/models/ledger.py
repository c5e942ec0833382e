"""The ledger: targets, who takes whose batches, batches, what waits for whom, and what was moved by hand."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Now


class Pool(models.Model):
    """Loads of its tables share so many slots: no more of them run at once, on however many machines."""

    name = models.TextField(primary_key=True)
    slots = models.IntegerField(help_text="How many of its loads may run at once; 0 stops them")
    queue = models.TextField(
        blank=True, db_default="", help_text="Workers that take its loads: celery -Q …; empty: every worker"
    )

    class Meta:
        db_table = "pools"
        db_table_comment = "Slots that loads of some tables share"
        ordering = ("name",)
        constraints = (models.CheckConstraint(condition=Q(slots__gte=0), name="pools_slots_counted"),)

    def __str__(self) -> str:
        return self.name


#: Changes with the declaration alone, so that a load's update of its row does not compute it.
SEARCH_TEXT = """
    lower(
        target || ' ' || description || ' ' || coalesce(contract #>> '{about,owner}', '') || ' '
        || coalesce(contract ->> 'surrogate', '') || ' ' || coalesce(contract #>> '{about,tags}', '') || ' '
        || jsonb_path_query_array(contract, '$.columns[*].name')::text || ' '
        || jsonb_path_query_array(contract, '$.columns[*].doc')::text || ' '
        || jsonb_path_query_array(contract, '$.generated[*].name')::text
    )
"""


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
    domain = models.GeneratedField(
        expression=Coalesce(KeyTextTransform("domain", "contract"), "warehouse"),
        output_field=models.TextField(),
        db_persist=True,
        help_text="What its declaration says, else the warehouse: permissions may hold for some domains alone",
    )
    description = models.TextField(blank=True, db_default="")
    contract = models.JSONField(db_default=Value({}, models.JSONField()), help_text="The declaration")
    rows_relation = models.TextField(help_text="Relation that holds the rows: the table, or what stands behind a view")
    load_routine = models.TextField(null=True, blank=True)
    rebuild_routine = models.TextField(null=True, blank=True)
    replay_routine = models.TextField(null=True, blank=True)
    outcomes_routine = models.TextField(null=True, blank=True)
    origins_routine = models.TextField(
        null=True, blank=True, help_text="Gives the rows of its inputs that each of its rows is made of"
    )
    load_no = models.BigIntegerField(db_default=0)
    last_event_at = models.DateTimeField(null=True, blank=True, help_text="Latest effective time that was folded")
    last_gone_at = models.DateTimeField(
        null=True, blank=True, help_text="Latest effective time of a delete that leaves its key without a row"
    )
    pool = models.ForeignKey(
        Pool,
        models.SET_NULL,
        null=True,
        blank=True,
        db_column="pool",
        related_name="targets",
        help_text="Whose slots its loads need",
    )
    needs_rebuild = models.BooleanField(db_default=False, help_text="A new declaration waits for its rebuild")
    fold_horizon = models.DateTimeField(
        null=True, blank=True, help_text="What is before it is settled: bronze rows that made it are gone"
    )
    created_at = models.DateTimeField(db_default=Now())
    search_text = models.GeneratedField(
        expression=RawSQL(SEARCH_TEXT, ()),  # noqa: S611 - a constant
        output_field=models.TextField(),
        db_persist=True,
        help_text="What the search looks through: name, description, owner, tags, columns",
    )

    class Meta:
        db_table = "targets"
        db_table_comment = "Tables that loads write; one row each, locked by every load of its table"
        ordering = ("target",)
        permissions = (("view_personal_data", "Can see personal data in sample rows and traces"),)

    def __str__(self) -> str:
        return self.target


class TargetInput(models.Model):
    """A consumer takes the batches of a source table; written by dwh_lineage.register_input alone."""

    consumer = models.ForeignKey(Target, models.CASCADE, db_column="consumer", related_name="inputs")
    source = models.ForeignKey(Target, models.PROTECT, db_column="source", related_name="consumers")
    images = models.TextField(
        null=True,
        help_text="Its load reads images of changed rows: whole, or standing (members alone); empty: no images",
    )

    class Meta:
        db_table = "target_inputs"
        db_table_comment = "Who takes whose batches"
        constraints = (models.UniqueConstraint(fields=("consumer", "source"), name="target_inputs_once"),)

    def __str__(self) -> str:
        return f"{self.source_id} → {self.consumer_id}"


class Batch(models.Model):
    """The unit of change: one ingestion or one load of one table, written in the transaction of its rows."""

    class Kind(models.TextChoices):
        INGEST = "ingest"
        FOREIGN = "foreign"
        LOAD = "load"
        REBUILD = "rebuild"
        REPLAY = "replay"

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
            # A file of another size than all before is not read for its checksum first.
            models.Index(fields=("target", "source_bytes"), condition=Q(kind="ingest"), name="batches_bytes_idx"),
            models.Index(fields=("target", "ingested_at"), name="batches_ingested_idx"),
            models.Index(fields=("opened_in",), name="batches_opened_idx"),
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


class DroppedPartition(models.Model):
    """A month of a bronze table that went by its retention; written by dwh_etl.retire_partitions alone."""

    # No reference: the record outlives the table and its ledger.
    target = models.TextField()
    partition = models.TextField()
    retention = models.TextField(help_text="As it was declared")
    until = models.DateTimeField(help_text="End of its month: the consumers' fold horizon since then")
    rows = models.BigIntegerField()
    first_batch_no = models.BigIntegerField(null=True, blank=True, help_text="Empty: it held no row")
    last_batch_no = models.BigIntegerField(null=True, blank=True)
    first_ingested_at = models.DateTimeField(null=True, blank=True)
    last_ingested_at = models.DateTimeField(null=True, blank=True)
    dropped_by = models.TextField(help_text="Who asked for it; the database's user where nobody said")
    dropped_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "dropped_partitions"
        db_table_comment = "Months of bronze tables that went by retention: who, when, how many rows"
        ordering = ("-id",)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return self.partition


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
