"""What people said about rules and checks: other severities and thresholds than the declared ones, and rules that they
set aside."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from lineage.models import Target


class QualityOverride(models.Model):
    """What a person said about the severity and the threshold of a rule or a check. The last one counts for the batches
    from its first on; what it leaves empty is as declared. Written by `dwh_lineage.override_rule` alone."""

    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="overrides")
    name = models.TextField(help_text="Of the rule or the check, within the target")
    severity = models.TextField(null=True, blank=True)
    threshold = models.TextField(null=True, blank=True)
    reason = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    first_batch_no = models.BigIntegerField(help_text="The first batch that it governs")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "quality_overrides"
        db_table_comment = "Severities and thresholds that a person has set"
        permissions = (("override", "May let batches pass gates, and change severities and thresholds"),)
        indexes = (models.Index(fields=("target", "name", "-id"), name="quality_overrides_idx"),)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.target_id} {self.name}: {self.severity or self.threshold or 'as declared'}"


class DecisionLimit(models.Model):
    """About how many rows one person decides alone, for who signs in to the database; one row. `migrate` writes it from
    ASSAY_FOUR_EYES_ABOVE, which pages and commands read themselves."""

    alone_up_to = models.BigIntegerField(null=True, help_text="Empty: about any number")

    class Meta:
        db_table = "decision_limits"
        db_table_comment = "How many rows one person decides about alone"

    def __str__(self) -> str:
        return "no limit" if self.alone_up_to is None else f"{self.alone_up_to} rows"


class Waiver(models.Model):
    """A version of a rule set aside for one row, or for all rows of a target, within a range of batches."""

    target = models.ForeignKey(Target, models.CASCADE, db_column="target", related_name="waivers")
    rule = models.TextField()
    rule_version = models.TextField(
        editable=False, help_text="The rule's version when it was waived; a trigger writes it"
    )
    bronze_id = models.BigIntegerField(null=True, blank=True)
    first_batch_no = models.BigIntegerField(null=True, blank=True)
    last_batch_no = models.BigIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="It does not govern batches that are ingested later: the next load writes last_batch_no",
    )
    decision = models.ForeignKey("quality.QualityDecision", models.PROTECT, related_name="waivers")
    withdrawn_by = models.ForeignKey("quality.QualityDecision", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "waivers"
        db_table_comment = "Rules set aside by a person"

    def __str__(self) -> str:
        return f"{self.target_id}: {self.rule}"
