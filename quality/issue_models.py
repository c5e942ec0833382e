"""What people do about issues as a whole: their acts, and corrections that hold for rows to come."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from lineage.models import Batch, Target


class IssueAct(models.TextChoices):
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    COMMENTED = "commented"
    REGRESSED = "regressed"


class IssueEvent(models.Model):
    """What people did about an issue, or a load found about it; append-only."""

    issue = models.ForeignKey("quality.QualityIssue", models.CASCADE, related_name="events")
    act = models.TextField(choices=IssueAct.choices)
    text = models.TextField(blank=True, db_default="")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    batch = models.ForeignKey(Batch, models.SET_NULL, null=True, blank=True, db_column="batch_no", related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "issue_events"
        db_table_comment = "What people did about issues"
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.act} {self.text}".strip()


class CorrectionRule(models.Model):
    """A correction for rows that are yet to come with a cause: loads make a decision of it for their new rows."""

    issue = models.ForeignKey("quality.QualityIssue", models.CASCADE, related_name="correction_rules")
    decision = models.OneToOneField("quality.QualityDecision", models.PROTECT, related_name="made_rule")
    selection = models.JSONField(help_text="Which rows, and what becomes of them, as dwh_lineage.decide takes it")
    patch = models.JSONField(null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    alone_up_to = models.BigIntegerField(null=True, blank=True, help_text="More rows of one load wait for approval")
    active = models.BooleanField(db_default=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "correction_rules"
        db_table_comment = "Corrections for rows that are yet to come"

    def __str__(self) -> str:
        return f"of decision {self.decision_id}"


class CorrectionReply(models.Model):
    """What the source sent for the key of a corrected row, after the correction: the same, or other values."""

    correction = models.OneToOneField("quality.Correction", models.CASCADE, related_name="reply")
    bronze_id = models.BigIntegerField(help_text="The row in which it said so")
    batch = models.ForeignKey(Batch, models.SET_NULL, null=True, blank=True, db_column="batch_no", related_name="+")
    reply = models.TextField(choices=(("confirmed", "Confirmed"), ("overtaken", "Overtaken")))
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "correction_replies"
        db_table_comment = "What sources said about corrections"

    def __str__(self) -> str:
        return f"{self.reply} by {self.bronze_id}"


class OpenRowDelta(models.Model):
    """A change of how many rows of a table are unresolved; written by triggers of the exceptions, summed by readers."""

    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="+")
    delta = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "open_row_deltas"
        db_table_comment = "Changes of how many rows of each table are unresolved"

    def __str__(self) -> str:
        return f"{self.target_id} {self.delta:+d}"
