"""The gates that somebody has to know of: closed ones, those that a person has let pass, and those whose last measure
failed without closing them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection
from django.utils import timezone

from quality.gates import HeldGate, held_gates

#: An override is shown for so long after its batch has passed.
REMEMBERED = timedelta(days=7)

_AROUND = """
    SELECT t.target,
        ARRAY(SELECT d.table_name FROM dwh_lineage.get_downstream(t.target) AS d ORDER BY d.level, d.table_name),
        NOT EXISTS (
            SELECT 1 FROM dwh_lineage.pendings AS p
            WHERE p.consumer = t.target AND NOT EXISTS (
                SELECT 1 FROM dwh_lineage.quality_metrics AS m
                WHERE m.table_name = t.target AND m.metric_name = 'gate_override'
                    AND (m.details ->> 'batch_no')::bigint = p.batch_no
            )
        )
    FROM unnest(%s::text[]) AS t (target)
"""
# Both by index quality_metrics_idx: the last measure of each rule, the last override of each table.
_MEASURED = """
    SELECT r.target, 'failing', max(m.measured_at), array_agg(r.message ORDER BY r.position),
        array_agg(r.rule ORDER BY r.position)
    FROM dwh_lineage.quality_rules AS r
    CROSS JOIN LATERAL (
        SELECT q.passed, q.measured_at FROM dwh_lineage.quality_metrics AS q
        WHERE q.table_name = r.target AND q.metric_name = r.rule
        ORDER BY q.measured_at DESC LIMIT 1
    ) AS m
    WHERE r.active AND NOT m.passed
    GROUP BY r.target
    UNION ALL
    SELECT t.target, 'overridden', m.measured_at,
        ARRAY[format('%%s: %%s', coalesce(m.details ->> 'by', 'somebody'), m.details ->> 'reason')], ARRAY['']
    FROM dwh_lineage.targets AS t
    CROSS JOIN LATERAL (
        SELECT q.measured_at, q.details FROM dwh_lineage.quality_metrics AS q
        WHERE q.table_name = t.target AND q.metric_name = 'gate_override'
        ORDER BY q.measured_at DESC LIMIT 1
    ) AS m
    WHERE m.measured_at > %s
    ORDER BY 3 DESC
"""


class GateState(StrEnum):
    BLOCKING = "blocking"  # its batches wait until somebody does something
    OVERRIDDEN = "overridden"  # a person has let it pass: the next run does, or the last did
    FAILING = "failing"  # a rule or check does not hold, which closes nothing


@dataclass(frozen=True)
class StandingGate:
    """A table's gate: since when, why (each reason with the rule that it is about, or none), what waits behind it."""

    target: str
    state: GateState
    since: datetime | None
    why: list[tuple[str, str]]
    waiting: int = 0  # batches
    behind: tuple[str, ...] = ()  # tables, the nearest first


def standing_gates(within: Collection[str] | None = None) -> list[StandingGate]:
    """One for each table, of some tables or all: what blocks first, the longest first. Four queries."""
    held = held_gates(within=within)
    found = {gate.target: gate for gate in _closed(held)}
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, [timezone.now() - REMEMBERED])
        for target, state, since, why, rules in cursor.fetchall():
            if target not in found and (within is None or target in within):
                found[target] = StandingGate(target, GateState(state), since, list(zip(why, rules, strict=True)))
    return sorted(found.values(), key=lambda gate: list(GateState).index(gate.state))


def _closed(held: list[HeldGate]) -> list[StandingGate]:
    if not held:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, [[gate.target for gate in held]])
        around = {target: (tuple(behind), passes) for target, behind, passes in cursor.fetchall()}
    return [_closed_one(gate, *around[gate.target]) for gate in held]


def _closed_one(gate: HeldGate, behind: tuple[str, ...], passes: bool) -> StandingGate:
    state = GateState.OVERRIDDEN if passes else GateState.BLOCKING
    # The first line says what happened to the load; what blocked it follows.
    lines = (gate.step.error_message or "").split("\n")
    why = [(line, "") for line in lines[1:] or lines]
    return StandingGate(gate.target, state, gate.step.ended_at, why, gate.waiting, behind)
