"""The dashboard: what the layers hold, what is open, what ran, which gates stand, how fresh the tables
are, whether the books balance."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from lineage.models import Batch, DroppedPartition, Target, Watermark
from lineage.permissions import targets_of
from lineage.runs import runs_within, summarise
from lineage.totals import totals
from quality.accounting import OUTCOMES, accounting_lines
from quality.causes import open_causes, open_rows
from quality.permissions import VIEW
from quality.standing_gates import standing_gates

RUNS_SHOWN = 6
CAUSES_SHOWN = 6
GATES_SHOWN = 8


@dataclass(frozen=True)
class TableState:
    """A table with its rows as the ledger sums them, its last batch, and what waits for it."""

    table: str
    layer: str
    kind: str
    rows: int
    last_batch_at: datetime | None
    waiting_batches: int
    waiting_rows: int


@dataclass(frozen=True)
class Layer:
    """The tables of a layer."""

    name: str
    tables: list[TableState]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """What the page shows; a part is left out where the person may not see it."""
    context: dict[str, Any] = {}
    if request.user.has_perm("lineage.view_target"):
        seen = targets_of(request.user, "lineage.view_target")
        tables = [state for state in table_states() if seen is None or state.table in seen]
        context["tables"] = tables
        context["layers"] = [Layer(name, [t for t in tables if t.layer == name]) for name in Target.Layer.values]
    if request.user.has_perm("lineage.view_pipelinerun"):
        latest = runs_within(request.user).order_by("-run_id")[:RUNS_SHOWN]
        context["runs"] = summarise(list(latest))
    if request.user.has_perm("quality.view_qualityexception"):
        seen = targets_of(request.user, VIEW)
        rows = open_rows(seen)
        causes = open_causes(rows, seen)
        context |= {"open": rows, "causes": causes[:CAUSES_SHOWN], "more_causes": len(causes[CAUSES_SHOWN:])}
        context |= {"all_causes": len(causes)}
        gates = standing_gates(seen)
        context |= {"gates": gates[:GATES_SHOWN], "more_gates": len(gates[GATES_SHOWN:])}
        context |= _accounting(seen)
    return context


def table_states() -> list[TableState]:
    """All tables, bronze first. Rows are summed over the ledger: nothing here reads a warehouse table."""
    rows = {target: total.rows for target, total in totals().items()}
    # Without the mark itself: of a table that was never fed it is -infinity, for which Python has no datetime.
    waiting = {
        table: (batches, rows or 0)
        for table, batches, rows in Watermark.objects.values_list("table_name", "waiting_batches", "waiting_rows")
    }
    last = Batch.objects.filter(target=OuterRef("target")).order_by("-batch_no").values("completed_at")[:1]
    gone = DroppedPartition.objects.filter(target=OuterRef("target")).order_by().values("target")
    found = Target.objects.annotate(
        last_batch_at=Subquery(last),
        dropped=Coalesce(Subquery(gone.annotate(rows_gone=Sum("rows")).values("rows_gone")), 0),
    ).order_by("target")
    states = [
        _state(target, rows.get(target.pk, 0) - target.dropped, waiting.get(target.pk, (0, 0))) for target in found
    ]
    return sorted(states, key=lambda state: Target.Layer.values.index(state.layer))


def _state(target: Any, rows: int, waiting: tuple[int, int]) -> TableState:
    return TableState(
        table=target.target,
        layer=target.layer,
        kind=target.kind,
        rows=rows,
        last_batch_at=target.last_batch_at,
        waiting_batches=waiting[0],
        waiting_rows=waiting[1],
    )


def _accounting(seen: Collection[str] | None) -> dict[str, Any]:
    lines = accounting_lines(seen)
    measured = [line for line in lines if line.measured_at]
    return {
        "accounting": lines,
        "outcomes": OUTCOMES,
        "measured": len(measured),
        "gap": sum(abs(line.gap or 0) for line in measured),
    }
