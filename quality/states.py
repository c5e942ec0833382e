"""The states of exceptions and decisions: one table for the database's trigger and for Python."""

from __future__ import annotations

from typing import Any

import pgtrigger
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
    ("superseded", "landed"),
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


class Transitions(pgtrigger.Trigger):
    """Refuses changes of `state` that are not in `transitions`, and all that no routine of ours makes (they switch
    `assay.changes_states` on for themselves), once for each statement.

    pgtrigger.FSM asks for each row, each time in a subtransaction: of 9.2 s for an UPDATE of 30,000 rows, it took 7.6.
    Grouped, not joined: a plan made for a few rows would join many in a nested loop.
    """

    when = pgtrigger.After
    operation = pgtrigger.Update
    level = pgtrigger.Statement
    referencing = pgtrigger.Referencing(old="before", new="after")  # type: ignore[no-untyped-call]

    def __init__(self, *, name: str, transitions: list[tuple[str, str]]) -> None:
        self.transitions = transitions
        super().__init__(name=name)

    def get_declare(self, model: Any) -> list[tuple[str, str]]:
        return [("l_illegal", "record")]

    def get_func(self, model: Any) -> str:
        allowed = ",".join(f"{before}:{after}" for before, after in self.transitions)
        return f"""
            SELECT c.* INTO l_illegal
            FROM (
                SELECT x.id, min(x.state) FILTER (WHERE x.was) AS was, min(x.state) FILTER (WHERE NOT x.was) AS becomes
                FROM (SELECT id, state, true AS was FROM before UNION ALL SELECT id, state, false FROM after) AS x
                GROUP BY x.id
            ) AS c
            WHERE c.becomes <> c.was AND (
                c.was || ':' || c.becomes <> ALL ('{{{allowed}}}'::text[])
                OR current_setting('assay.changes_states', true) IS DISTINCT FROM 'on'
            )
            LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'Invalid transition of % % from "%" to "%".',
                    TG_TABLE_NAME, l_illegal.id, l_illegal.was, l_illegal.becomes
                    USING ERRCODE = 'AS088',
                          HINT = 'Loads and decisions change states: see dwh_lineage.decide, approve, stop_decision.';
            END IF;
            RETURN NULL;
        """  # noqa: S608 - the states are those of this module
