"""What stewards do about exceptions: decide, approve, stop, undo. Pages and commands only call these.

Each is one call of a routine of `dwh_lineage` (quality/sql), which SQL may call as well; what it decides takes effect
when the decision is replayed (quality/replay.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, LiteralString

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from quality.models import QualityDecision
from quality.replay import ring
from quality.states import DecisionState, DecisionVerb

#: Source columns and the text that stands for theirs; None removes a value.
Patch = Mapping[str, str | None]


class DecisionRefused(Exception):
    """A decision that cannot be made; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def refused(error: psycopg.Error) -> Exception:
    """What a routine refuses (SQLSTATE AS…) as DecisionRefused; any other error as it is."""
    if not str(error.sqlstate or "").startswith("AS"):
        return error
    return DecisionRefused(str(error.diag.message_primary), error.diag.message_hint or "")


@dataclass(frozen=True)
class Fix:
    """A correction whose rows differ: in a source column, `texts` by the value that is wrong (None: no value), or a way
    to mend each text (`dwh_lineage.mended`)."""

    column: str
    texts: Mapping[str, str | None] | None = None
    mend: str | None = None

    def said(self) -> dict[str, Any]:
        return {"column": self.column} | ({"mend": self.mend} if self.mend else {"texts": dict(self.texts or {})})


@dataclass(frozen=True)
class Selection:
    """Open exceptions of a silver table: all, or those that have in common all that is said."""

    target: str
    issue: int | None = None
    values: tuple[str | None, ...] = ()  # of the issue's column: one value, which may be None; empty: any
    exceptions: tuple[int, ...] | None = None
    fix: Fix | None = None  # rows for which it has a text
    narrowed: Mapping[str, Any] = field(default_factory=dict)  # key, batch, file, assignee, before, up_to

    def said(self) -> dict[str, Any]:
        """The selection as `dwh_lineage.decide` reads it."""
        said: dict[str, Any] = dict(self.narrowed)
        if self.issue is not None:
            said["issue"] = self.issue
        if self.values:
            said["value"] = self.values[0]
        if self.exceptions is not None:
            said["exceptions"] = list(self.exceptions)
        return said | (self.fix.said() if self.fix else {})


@dataclass(frozen=True)
class Decision:
    """What a person wants done with some rows.

    correct: `patch` for all of them, `patches` by the id of the exception, or the selection's `fix`. waive: `rule`, or
    whatever they break that can be waived. reject: for good, with a reason.
    """

    verb: DecisionVerb
    selection: Selection
    by: str
    reason: str = ""
    patch: Patch | None = None
    patches: Mapping[int, Patch] | None = None
    rule: str | None = None
    propose: bool = False

    QUERY: ClassVar[LiteralString] = "SELECT dwh_lineage.decide(%s, %s, %s, %s, %s, %s, %s, %s, %s)"

    def values(self, alone_up_to: int | None) -> tuple[Any, ...]:
        """What QUERY takes. alone_up_to: more rows than that need another person's approval."""
        said = self.selection.said()
        if self.patches is not None:
            said["patches"] = {str(exception): dict(patch) for exception, patch in self.patches.items()}
        patch = None if self.patch is None else json.dumps(dict(self.patch))
        return (
            self.verb.value, self.selection.target, json.dumps(said), self.by, self.reason, patch, self.rule,
            self.propose, alone_up_to,
        )  # fmt: skip


def try_patch(exception: int, patch: Patch, *, by: str) -> dict[str, Any]:
    """What the row of an exception would become with a patch, judged as loads judge: `broken` rules, and the `row`.

    Raises DecisionRefused where there is no such exception, or the source has no such column.
    """
    (found,) = call("SELECT dwh_lineage.try_patch(%s, %s, %s)", exception, json.dumps(dict(patch)), by)
    tried: dict[str, Any] = json.loads(found) if isinstance(found, str) else found
    return tried


def decide(decision: Decision) -> QualityDecision:
    """Records a decision and freezes its rows; a worker carries it out, once another person has approved it if need be.

    Raises DecisionRefused where nothing is selected any more, or it cannot be carried out as it is said.
    """
    (made,) = call(Decision.QUERY, *decision.values(settings.FOUR_EYES_ABOVE))
    return _ring_if_queued(made)


def approve(decision: int, *, by: str) -> QualityDecision:
    """Lets a proposed decision take effect. Raises DecisionRefused where its author asks, or it waits no more."""
    call("SELECT dwh_lineage.approve(%s, %s)", decision, by)
    return _ring_if_queued(decision)


def stop(decision: int, *, by: str) -> QualityDecision:
    """Withdraws a proposed decision or cancels the rest of a queued one; raises DecisionRefused where it has ended."""
    call("SELECT dwh_lineage.stop_decision(%s, %s)", decision, by)
    return QualityDecision.objects.get(pk=decision)


def undo(decision: int, *, by: str, reason: str = "") -> QualityDecision:
    """Undoes a decision by another; raises DecisionRefused where it is under way or undone."""
    (made,) = call("SELECT dwh_lineage.undo(%s, %s, %s)", decision, by, reason)
    return _ring_if_queued(made)


def _ring_if_queued(decision: int) -> QualityDecision:
    made = QualityDecision.objects.get(pk=decision)
    if made.state == DecisionState.QUEUED:
        ring(decision)
    return made


def call(query: LiteralString, *values: Any) -> Any:
    """One row of a routine that acts; what it refuses is DecisionRefused."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()
    except DatabaseError as error:
        if isinstance(error.__cause__, psycopg.Error):
            raise refused(error.__cause__) from error
        raise
