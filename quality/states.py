"""The states of an exception: one table for the database's trigger and for Python."""

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
    ("open", "queued"),
    # Undo.
    ("landed", "open"),
    ("rejected", "open"),
    # A rebuild under new rules: what passes now lands without a person, what landed may fail a stricter rule.
    ("open", "landed"),
    ("proposed", "landed"),
    ("superseded", "open"),
    ("superseded", "landed"),
]
