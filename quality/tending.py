"""What people do about issues as a whole: assign, snooze, comment; and corrections that hold for rows to come.

Each is one call of a routine of `dwh_lineage` (quality/sql). All raise DecisionRefused where it cannot be done.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from quality.resolution import call


def assign(issue: int, to: str | None, *, by: str) -> None:
    """Gives an issue to a user, or to nobody."""
    call("SELECT dwh_lineage.assign_issue(%s, %s, %s)", issue, by, to)


def snooze(issue: int, until: datetime | None, above: int | None = None, *, by: str) -> None:
    """Lets an issue rest until a time, or until more than so many rows are open; neither wakes it."""
    call("SELECT dwh_lineage.snooze_issue(%s, %s, %s, %s)", issue, by, until, above)


def comment(issue: int, text: str, *, by: str) -> None:
    """Keeps what somebody says about an issue."""
    call("SELECT dwh_lineage.comment_on_issue(%s, %s, %s)", issue, by, text)


def keep_correcting(decision: int, *, by: str) -> int:
    """Makes a correction rule of a decision; returns its id."""
    (rule,) = call("SELECT dwh_lineage.keep_correcting(%s, %s, %s)", decision, by, settings.FOUR_EYES_ABOVE)
    return int(rule)


def end_rule(rule: int, *, by: str) -> None:
    """Switches a correction rule off."""
    call("SELECT dwh_lineage.end_correction_rule(%s, %s)", rule, by)
