"""Gates: whose loads were refused, on what evidence, what waits behind them, and how a person lets it pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from lineage.models import Batch, Pending, Step
from lineage.models.runs import GATES
from quality.models import QualityMetric
from quality.resolution import refused

SHOWN = 50


@dataclass(frozen=True)
class HeldGate:
    """A table whose last load its gate refused."""

    step: Step
    waiting: int

    @property
    def target(self) -> str:
        return self.step.target


@dataclass(frozen=True)
class Waiting:
    """What waits at a gate: its batches, the newest first (SHOWN at most), and the tables behind it."""

    batches: list[Batch]
    total: int
    behind: list[str]

    @property
    def newest(self) -> int | None:
        return self.batches[0].batch_no if self.batches else None


def held_gates(target: str | None = None, within: Collection[str] | None = None) -> list[HeldGate]:
    """The gates that hold something back, the longest first; of one table, of some, or all. Two queries; uses index
    run_steps_refused_idx."""
    refusals = Step.objects.filter(state="failed", error_sqlstate__in=GATES).select_related("run")
    if target is not None:
        refusals = refusals.filter(target=target)
    if within is not None:
        refusals = refusals.filter(target__in=within)
    latest = list(refusals.order_by("target", "-pk").distinct("target"))
    facts = _since({step.target: step.ended_at for step in latest})
    held = [HeldGate(step, facts[step.target]) for step in latest if facts.get(step.target)]
    return sorted(held, key=lambda gate: (gate.step.ended_at is None, gate.step.ended_at, gate.target))


def _since(ended: dict[str, Any]) -> dict[str, int]:
    """How many batches wait for each of some tables, of those that were not loaded since their refusal."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.target, (SELECT count(*) FROM dwh_lineage.pendings AS p WHERE p.consumer = t.target)
            FROM unnest(%s::text[], %s::timestamptz[]) AS t (target, ended_at)
            WHERE NOT EXISTS (
                SELECT 1 FROM dwh_lineage.batches AS b
                WHERE b.target = t.target AND b.kind IN ('load', 'rebuild') AND b.completed_at > t.ended_at
            )
            """,
            [list(ended), list(ended.values())],
        )
        return dict(cursor.fetchall())


def evidence(step: Step) -> list[QualityMetric]:
    """What a refused load has measured that does not hold. Uses index quality_metrics_idx."""
    found = QualityMetric.objects.filter(table_name=step.target, batch_id=step.run.batch_id, passed=False)
    return list({metric.metric_name: metric for metric in found.order_by("pk")}.values())


def waiting_at(target: str) -> Waiting:
    """What waits at a table's gate. Three queries."""
    pending = Pending.objects.filter(consumer=target)
    numbers = pending.order_by("-batch").values_list("batch", flat=True)
    batches = list(Batch.objects.filter(pk__in=list(numbers[:SHOWN])).order_by("-pk"))
    total = len(batches) if len(batches) < SHOWN else pending.count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM dwh_lineage.get_downstream(%s) ORDER BY level, table_name", [target])
        behind = [name for (name,) in cursor.fetchall()]
    return Waiting(batches, total, behind)


def overrides_of(target: str) -> QuerySet[QualityMetric, QualityMetric]:
    """Who let what pass, the latest first."""
    return QualityMetric.objects.filter(table_name=target, metric_name="gate_override").order_by("-measured_at")


def let_pass(target: str, up_to: int, reason: str, by: str) -> int:
    """Lets the batches that wait for a table pass its gates, up to one number: what has come since was not looked at.
    Returns how many. Raises DecisionRefused."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(dwh_etl.override_gate(p.consumer, p.batch_no, %s, %s)::text) "
                "FROM dwh_lineage.pendings AS p WHERE p.consumer = %s AND p.batch_no <= %s",
                [reason, by, target, up_to],
            )
            return int(cursor.fetchone()[0])
    except DatabaseError as error:
        raise _of(error) from None


def override_rule(target: str, name: str, severity: str | None, threshold: str | None, reason: str, by: str) -> int:
    """Sets the severity and the threshold of a rule or a check from the next batch on; None is as declared. Returns the
    first batch. Raises DecisionRefused."""
    values: Sequence[str | None] = (target, name, severity, threshold, reason, by)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT dwh_lineage.override_rule(%s, %s, %s, %s, %s, %s)", values)
            return int(cursor.fetchone()[0])
    except DatabaseError as error:
        raise _of(error) from None


def _of(error: DatabaseError) -> Exception:
    return refused(error.__cause__) if isinstance(error.__cause__, psycopg.Error) else error
