"""What is wrong and what people decided: rules, metrics, issues, exceptions, decisions, corrections, waivers.

All tables stand in the schema `dwh_lineage`. Columns that the guide names keep its names.
"""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from lineage.models import Batch, PipelineRun, Target
from quality.states import (
    DECISION_TRANSITIONS,
    EXCEPTION_TRANSITIONS,
    UNRESOLVED_STATES,
    DecisionState,
    DecisionVerb,
    ExceptionState,
    Transitions,
)


def _empty_object() -> Value:
    return Value({}, models.JSONField())


class QualityRule(models.Model):
    """A version of a rule or a check that a declaration states. Installed by migrations; the newest version is the
    active one."""

    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="rules")
    rule = models.TextField(help_text="Name within the target, as in customer_id:required")
    position = models.SmallIntegerField(help_text="Number by which the load routine names the rule")
    column_name = models.TextField(null=True, blank=True)
    kind = models.TextField(help_text="castable, required, one_of, matches, range, condition, …")
    definition = models.JSONField(db_default=_empty_object())
    message = models.TextField()
    severity = models.TextField(db_default="quarantine", help_text="As declared: warn, quarantine or fail")
    threshold = models.TextField(
        null=True, blank=True, help_text="As declared: so many rows of a batch, or a share as in 1%"
    )
    version = models.TextField(help_text="Fingerprint of what the rule asks")
    can_be_waived = models.BooleanField(
        db_default=True, help_text="Whether the table could hold a row that breaks it; not so a cast, a key, an enum"
    )
    is_check = models.BooleanField(db_default=False, help_text="Asked of the table as a whole, not of a row")
    active = models.BooleanField(db_default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "quality_rules"
        db_table_comment = "Rules of the declarations, versioned"
        constraints = (
            models.UniqueConstraint(fields=("target", "rule", "version"), name="quality_rules_version"),
            models.UniqueConstraint(
                fields=("target", "position"), condition=Q(active=True), name="quality_rules_position"
            ),
        )

    def __str__(self) -> str:
        return f"{self.target_id}: {self.message}"


class QualityMetric(models.Model):
    """One measured figure of a table: a check's result, or a count that is watched."""

    run = models.ForeignKey(PipelineRun, models.CASCADE, null=True, blank=True, related_name="quality_metrics")
    batch_id = models.UUIDField()
    table_name = models.TextField()
    metric_name = models.TextField()
    metric_value = models.DecimalField(max_digits=38, decimal_places=10, null=True, blank=True)
    threshold = models.DecimalField(max_digits=38, decimal_places=10, null=True, blank=True)
    passed = models.BooleanField(null=True, blank=True)
    details = models.JSONField(null=True, blank=True)
    measured_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "quality_metrics"
        db_table_comment = "Measured figures of tables"
        indexes = (models.Index(fields=("table_name", "metric_name", "-measured_at"), name="quality_metrics_idx"),)

    def __str__(self) -> str:
        return f"{self.table_name} {self.metric_name}: {self.metric_value}"


class QualityIssue(models.Model):
    """A group of exceptions with one cause."""

    fingerprint = models.TextField(unique=True, help_text="Target, rule and cause")
    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="issues")
    rule = models.TextField()
    column_name = models.TextField(null=True, blank=True)
    cause = models.TextField(
        null=True, blank=True, help_text="=value or ~shape that its rows have in common; empty: only their rule"
    )
    title = models.TextField()
    first_batch = models.ForeignKey(Batch, models.SET_NULL, null=True, related_name="+", db_column="first_batch_no")
    first_seen_at = models.DateTimeField(db_default=Now())
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snoozed_above = models.BigIntegerField(
        null=True, blank=True, help_text="Snoozed as long as no more rows than that are open"
    )
    regressed_at = models.DateTimeField(
        null=True, blank=True, help_text="When rows of a later batch came with a cause that had been corrected"
    )

    class Meta:
        db_table = "quality_issues"
        db_table_comment = "Causes of exceptions"

    def __str__(self) -> str:
        return self.title

    @property
    def offending_value(self) -> str | None:
        """The value that all its rows have in common; None where they have none."""
        return self.cause[1:] if self.cause and self.cause[0] == "=" else None

    def is_snoozed(self, open_rows: int) -> bool:
        """Whether nobody wants to see it now, with so many open rows."""
        if self.snoozed_until is None and self.snoozed_above is None:
            return False
        awake = self.snoozed_until is not None and self.snoozed_until <= timezone.now()
        return not awake and (self.snoozed_above is None or open_rows <= self.snoozed_above)


class IssueDelta(models.Model):
    """A change of an issue's count of open breaches. Appended by loads, summed by readers: a counter that loads
    updated in place would make every one of them wait for the others."""

    issue = models.ForeignKey(QualityIssue, models.CASCADE, related_name="deltas")
    batch = models.ForeignKey(Batch, models.SET_NULL, null=True, db_column="batch_no", related_name="+")
    delta = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "issue_deltas"
        db_table_comment = "Changes of the issues' counts"

    def __str__(self) -> str:
        return f"{self.delta:+d}"


class QualityException(models.Model):
    """A quarantined row: the raw row as it arrived, and what became of it."""

    source_table = models.TextField()
    source_id = models.TextField(null=True, blank=True, help_text="The row's key, where it has one")
    bronze_id = models.BigIntegerField()
    issues = ArrayField(models.TextField(), help_text="Messages of all the rules that the row breaks")
    source_data = models.JSONField(null=True, blank=True)
    detected_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.TextField(null=True, blank=True)
    # Its index is quality_exceptions_once: each index is written again when a row changes its state.
    target_table = models.ForeignKey(
        Target, models.CASCADE, db_column="target_table", related_name="exceptions", db_index=False
    )
    state = models.TextField(choices=ExceptionState.choices, db_default=ExceptionState.OPEN)
    # Its index is quality_exc_batch_idx.
    batch = models.ForeignKey(Batch, models.PROTECT, db_column="batch_no", related_name="exceptions", db_index=False)

    class Meta:
        db_table = "quality_exceptions"
        db_table_comment = "Rows that broke a rule, kept until a person or a newer row resolves them"
        indexes = (
            models.Index(
                fields=("target_table", "-id"), condition=Q(state__in=UNRESOLVED_STATES), name="quality_exc_open_idx"
            ),
            # Every load asks which rows a person has rejected: few, among many exceptions.
            models.Index(
                fields=("target_table", "bronze_id"),
                condition=Q(state=ExceptionState.REJECTED),
                name="quality_exc_rejected_idx",
            ),
            # Keys by their beginning, in any collation.
            models.Index(fields=("source_id",), opclasses=["text_pattern_ops"], name="quality_exc_any_key_idx"),
            models.Index(fields=("batch", "-id"), name="quality_exc_batch_idx"),
        )
        constraints = (
            models.UniqueConstraint(fields=("target_table", "bronze_id"), name="quality_exceptions_once"),
            models.CheckConstraint(condition=Q(state__in=ExceptionState.values), name="quality_exceptions_state_known"),
        )
        triggers = (Transitions(name="exception_states", transitions=EXCEPTION_TRANSITIONS),)

    def __str__(self) -> str:
        return f"{self.target_table_id} ← {self.source_table} {self.bronze_id}"


class ExceptionBreach(models.Model):
    """One rule that a quarantined row breaks; it belongs to one issue."""

    # Its index is exception_breaches_once.
    exception = models.ForeignKey(QualityException, models.CASCADE, related_name="breaches", db_index=False)
    # Its index is exception_breaches_issue_idx.
    issue = models.ForeignKey(QualityIssue, models.CASCADE, related_name="breaches", db_index=False)
    rule = models.TextField()
    column_name = models.TextField(null=True, blank=True)
    value = models.TextField(null=True, blank=True, help_text="What the column's expression gave, before the cast")
    message = models.TextField()

    class Meta:
        db_table = "exception_breaches"
        db_table_comment = "The rules that each exception breaks"
        # The rows of a cause in the order in which its page shows them: a page costs the same at any depth.
        indexes = (models.Index(fields=("issue", "-exception"), name="exception_breaches_issue_idx"),)
        constraints = (models.UniqueConstraint(fields=("exception", "rule"), name="exception_breaches_once"),)

    def __str__(self) -> str:
        return self.message


class UnreadableLine(models.Model):
    """A line of a file that is not CSV, kept verbatim; counted beside the rows of its batch."""

    batch = models.ForeignKey(Batch, models.CASCADE, db_column="batch_no", related_name="unreadable_lines")
    record_no = models.BigIntegerField(help_text="Number of the record in the file, the first after the header is 1")
    line_no = models.BigIntegerField(help_text="Number of the record's first line in the file, from 1")
    raw = models.BinaryField()
    reason = models.TextField()

    class Meta:
        db_table = "unreadable_lines"
        db_table_comment = "Lines of source files that are not CSV"
        constraints = (models.UniqueConstraint(fields=("batch", "record_no"), name="unreadable_lines_once"),)

    def __str__(self) -> str:
        return f"line {self.line_no}: {self.reason}"


class QualityDecision(models.Model):
    """One act of a person: what was selected, what was decided and why, and how far its replay has come.

    Written by the routines `dwh_lineage.decide`, `approve`, `withdraw_decision`, `cancel_decision`, `undo` and
    `replay_chunk` alone.
    """

    verb = models.TextField(choices=DecisionVerb.choices)
    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="decisions")
    state = models.TextField(choices=DecisionState.choices, db_default=DecisionState.QUEUED)
    selection = models.JSONField(db_default=_empty_object(), help_text="What was asked for; the rows are frozen")
    patch = models.JSONField(null=True, blank=True, help_text="Source columns and the text that stands for theirs")
    rule = models.TextField(null=True, blank=True, help_text="The rule that is waived; empty: all that the rows break")
    by_rule = models.ForeignKey(
        "quality.CorrectionRule", models.PROTECT, null=True, blank=True, related_name="decisions"
    )
    undoes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="undone_by")
    reason = models.TextField(blank=True, db_default="")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    needs_approval = models.BooleanField(db_default=False)
    selected = models.BigIntegerField(db_default=0)
    landed = models.BigIntegerField(db_default=0)
    failing = models.BigIntegerField(db_default=0, help_text="Still break a rule")
    rejected = models.BigIntegerField(db_default=0)
    overtaken = models.BigIntegerField(db_default=0, help_text="Something else had become of them")
    confirmed = models.BigIntegerField(db_default=0, help_text="Corrections that the source has sent since")
    source_overtook = models.BigIntegerField(db_default=0, help_text="Corrections for which it has sent other values")
    created_at = models.DateTimeField(db_default=Now())
    progressed_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "quality_decisions"
        db_table_comment = "What people decided about exceptions"
        permissions = (
            ("propose", "May propose to correct, waive and reject rows"),
            ("decide", "May correct, waive and reject rows, and undo that"),
            ("approve", "May approve what others have proposed"),
        )
        indexes = (
            models.Index(fields=("progressed_at",), condition=Q(state="queued"), name="quality_decisions_queued_idx"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(approver=models.F("author")), name="quality_decisions_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(needs_approval=False)
                | Q(approver__isnull=False)
                | Q(state__in=(DecisionState.PROPOSED, DecisionState.WITHDRAWN)),
                name="quality_decisions_approved",
            ),
            models.CheckConstraint(condition=Q(verb__in=DecisionVerb.values), name="quality_decisions_verb_known"),
        )
        triggers = (Transitions(name="decision_states", transitions=DECISION_TRANSITIONS),)

    def __str__(self) -> str:
        return f"{self.verb} {self.target_id}"


class DecisionRow(models.Model):
    """A row of a decision's frozen selection. Without an outcome, its replay is still to be done."""

    # Written by `decide` alone, of exceptions that it holds: to look for each of them once more costs as much again.
    decision = models.ForeignKey(
        QualityDecision, models.CASCADE, related_name="rows", db_index=False, db_constraint=False
    )
    exception = models.ForeignKey(
        "QualityException", models.CASCADE, related_name="decided", db_constraint=False, db_index=False
    )
    bronze_id = models.BigIntegerField()
    patch = models.JSONField(null=True, blank=True, help_text="The row's own patch, where rows differ")
    # In no index, and a page has room for each row twice: its outcome is written beside it, and into no index again.
    outcome = models.TextField(null=True, blank=True, help_text="landed, open, rejected, overtaken, cancelled")

    class Meta:
        db_table = "decision_rows"
        db_table_comment = "The frozen selections of decisions, and what became of each row"
        constraints = (models.UniqueConstraint(fields=("decision", "bronze_id"), name="decision_rows_once"),)

    def __str__(self) -> str:
        return f"{self.decision_id}: {self.bronze_id} {self.outcome or 'waits'}"


class ExceptionEvent(models.Model):
    """What happened to an exception, in order; append-only.

    A decision over 100,000 rows writes 200,000 of them, each with one decision and one batch that stand in the very
    transaction: the database need not look for them again for each row.
    """

    exception = models.ForeignKey(QualityException, models.CASCADE, related_name="events", db_constraint=False)
    from_state = models.TextField(null=True, blank=True)
    to_state = models.TextField()
    decision = models.ForeignKey(
        QualityDecision, models.PROTECT, null=True, blank=True, related_name="events", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    batch = models.ForeignKey(
        Batch, models.SET_NULL, null=True, blank=True, db_column="batch_no", related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    note = models.TextField(blank=True, db_default="")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "exception_events"
        db_table_comment = "What happened to each exception"
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.from_state or '–'} → {self.to_state}"


class Correction(models.Model):
    """A patch over a bronze row. Bronze never changes: the row that a load sees is the bronze row with its latest
    approved patch over it."""

    # Its index is corrections_version. That table and decision are there, check_corrections asks once for many rows.
    target = models.ForeignKey(
        Target, models.CASCADE, db_column="target", related_name="corrections", db_index=False, db_constraint=False
    )
    bronze_id = models.BigIntegerField()
    version = models.IntegerField()
    patch = models.JSONField(help_text="Source columns and the text that stands for theirs; null removes a value")
    expected = models.JSONField(
        db_default=_empty_object(), help_text="Values of the bronze row that the author saw; others are refused"
    )
    decision = models.ForeignKey(
        QualityDecision, models.PROTECT, related_name="corrections", db_index=False, db_constraint=False
    )
    withdrawn = models.BooleanField(db_default=False, help_text="Undone by a later version")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "corrections"
        db_table_comment = "Patches over bronze rows"
        constraints = (models.UniqueConstraint(fields=("target", "bronze_id", "version"), name="corrections_version"),)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.target_id} {self.bronze_id} v{self.version}"


import quality.issue_models  # noqa: E402 - these models name those above
import quality.override_models  # noqa: E402
import quality.view_models  # noqa: E402, F401
