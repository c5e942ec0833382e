"""Who may do what about exceptions. The permissions are declared on QualityDecision and QualityOverride; groups come
with `migrate`, and lineage.permissions says in which layers and domains they hold."""

from __future__ import annotations

from typing import Any

from lineage.permissions import may

VIEW = "quality.view_qualityexception"
PROPOSE = "quality.propose"
DECIDE = "quality.decide"
APPROVE = "quality.approve"
OVERRIDE = "quality.override"


def may_decide(user: Any, target: str) -> bool:
    """Whether what this person decides about a table takes effect by itself, as far as the number of rows allows."""
    return may(user, DECIDE, target)


def may_propose(user: Any, target: str) -> bool:
    """Whether this person may say what is to be done about a table; who may not decide makes proposals."""
    return may_decide(user, target) or may(user, PROPOSE, target)
