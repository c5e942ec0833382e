"""Who may do what about exceptions. The permissions are declared on QualityDecision; groups come with `migrate`."""

from __future__ import annotations

from typing import Any

VIEW = "quality.view_qualityexception"
PROPOSE = "quality.propose"
DECIDE = "quality.decide"
APPROVE = "quality.approve"


def may_decide(user: Any) -> bool:
    """Whether what this person decides takes effect by itself, as far as the number of rows allows."""
    return bool(user.has_perm(DECIDE))


def may_propose(user: Any) -> bool:
    """Whether this person may say what is to be done; who may not decide makes proposals."""
    return may_decide(user) or bool(user.has_perm(PROPOSE))
