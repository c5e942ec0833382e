"""The states of exceptions and decisions: one table for the database's trigger and for Python."""

from __future__ import annotations

from django.db import models


class ExceptionState(models.TextChoices):
    OPEN = "open"
    PROPOSED = "proposed"
    QUEUED = "queued"
    LANDED = "landed"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


UNRESOLVED_STATES = ("open", "proposed", "queued")

EXCEPTION_TRANSITIONS = [
    ("open", "proposed"),
    ("proposed", "open"),
    ("proposed", "queued"),
    ("queued", "landed"),
    ("queued", "open"),
    ("open", "superseded"),
    ("proposed", "superseded"),
    ("queued", "superseded"),
    ("open", "rejected"),
    ("queued", "rejected"),
    ("open", "queued"),
    # Undo.
    ("landed", "open"),
    ("rejected", "open"),
    # A rebuild under new rules: what passes now lands without a person, what landed may fail a stricter rule.
    ("open", "landed"),
    ("proposed", "landed"),
    ("superseded", "open"),
]


class DecisionVerb(models.TextChoices):
    CORRECT = "correct"
    WAIVE = "waive"
    REJECT = "reject"
    UNDO = "undo"


class DecisionState(models.TextChoices):
    PROPOSED = "proposed"
    QUEUED = "queued"
    DONE = "done"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


DECISION_TRANSITIONS = [
    ("proposed", "queued"),
    ("proposed", "withdrawn"),
    ("queued", "done"),
    ("queued", "cancelled"),
]
