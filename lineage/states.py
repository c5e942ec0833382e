"""The states of runs and steps and the transitions between them: one table for the database's trigger and Python."""

from __future__ import annotations

from django.db import models


class RunStatus(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(models.TextChoices):
    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UPSTREAM_FAILED = "upstream_failed"


class BackfillState(models.TextChoices):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE_RUN_STATES = ("pending", "running", "cancelling")
FINAL_STEP_STATES = ("succeeded", "skipped", "failed", "cancelled", "upstream_failed")

RUN_TRANSITIONS = [
    ("pending", "running"),
    ("pending", "cancelled"),
    ("pending", "failed"),
    ("running", "cancelling"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("cancelling", "cancelled"),
    ("cancelling", "completed"),
    ("cancelling", "failed"),
    # A failed run is resumed: the same run, new attempts for what has not succeeded.
    ("failed", "running"),
    # A step of it is carried out again.
    ("completed", "running"),
]

STEP_TRANSITIONS = [
    ("blocked", "queued"),
    ("blocked", "upstream_failed"),
    ("blocked", "cancelled"),
    ("blocked", "skipped"),
    ("queued", "running"),
    ("queued", "cancelled"),
    ("queued", "skipped"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "retrying"),
    ("running", "cancelled"),
    # A lease that expired is taken over by the next claim.
    ("running", "running"),
    ("retrying", "running"),
    ("retrying", "cancelled"),
    ("retrying", "failed"),
    # Resume.
    ("failed", "queued"),
    ("failed", "blocked"),
    ("upstream_failed", "blocked"),
    ("upstream_failed", "queued"),
    ("cancelled", "queued"),
    ("cancelled", "blocked"),
    # Skip: a person goes without it.
    ("retrying", "skipped"),
    ("failed", "skipped"),
    ("upstream_failed", "skipped"),
    ("cancelled", "skipped"),
    # Carry out again.
    ("succeeded", "blocked"),
    ("skipped", "blocked"),
]

BACKFILL_TRANSITIONS = [
    ("running", "paused"),
    ("paused", "running"),
    ("running", "cancelled"),
    ("paused", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
]

ATTEMPT_OUTCOMES = ("succeeded", "failed", "lost", "fenced", "cancelled")
