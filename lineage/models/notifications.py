"""What people are told by e-mail and webhook: an outbox, written in the transaction of what happened."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Notification(models.Model):
    """Something that people should know, once."""

    class Kind(models.TextChoices):
        RUN_FAILED = "run_failed"
        ISSUE = "issue"
        ISSUE_AGAIN = "issue_again"

    event = models.TextField(unique=True, help_text="What happened; a second entry for it is not written")
    kind = models.TextField(choices=Kind.choices)
    object_id = models.BigIntegerField(help_text="The run or the issue")
    subject = models.TextField()
    text = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    distributed = models.BooleanField(db_default=False, help_text="Its deliveries are there")

    class Meta:
        db_table = "notifications"
        db_table_comment = "What people are told, once"
        indexes = (models.Index(fields=("id",), condition=Q(distributed=False), name="notifications_new_idx"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=("run_failed", "issue", "issue_again")), name="notifications_kind_known"
            ),
        )

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """A notification on one channel."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        FAILED = "failed"

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="deliveries")
    channel = models.TextField(help_text="email, webhook")
    state = models.TextField(choices=State.choices, db_default=State.PENDING)
    attempts = models.IntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "deliveries"
        db_table_comment = "Notifications on their channels"
        indexes = (models.Index(fields=("channel", "id"), condition=Q(state="pending"), name="deliveries_pending_idx"),)
        constraints = (
            models.UniqueConstraint(fields=("notification", "channel"), name="deliveries_once"),
            models.CheckConstraint(condition=Q(state__in=("pending", "sent", "failed")), name="deliveries_state_known"),
        )

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"
