"""The page of what a run changed in a table: rows before and after."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from lineage.actions import Action
from lineage.keyset import PAGE_SIZE
from lineage.models import PipelineRun, Step, Target
from lineage.pages import page_response
from lineage.personal import hidden_from, masked, shows_all
from medallion.run_changes import RowChange, loads_of, rows_of

SEE_ROWS = "lineage.view_target"


def changes(request: HttpRequest, run_id: int, target: str) -> HttpResponse:
    """What a run changed in a table, a page of rows by their keys."""
    run = get_object_or_404(PipelineRun, pk=run_id)
    table = get_object_or_404(Target, pk=target)
    loads = [load for load in loads_of(run_id) if load.target == target]
    if not loads:
        raise Http404(f"Run {run_id} changed nothing in {target}.")
    after = request.GET.get("after")
    try:
        rows = rows_of(run_id, target, PAGE_SIZE + 1, _json(after))
    except DatabaseError as error:
        if after is None:
            raise
        raise Http404("There is no such page.") from error
    shown = rows[:PAGE_SIZE]
    hidden = hidden_from(request, [target]).get(target, set())
    # The next page's address names the last row's key.
    may_go_on = len(rows) > PAGE_SIZE and shows_all(shown[-1].place, hidden)
    context: dict[str, Any] = {
        "run": run,
        "target": target,
        "loads": loads,
        "why_not": sorted({load.why_not for load in loads} - {""}),
        "rows": [_line(table, row, hidden) for row in shown],
        "is_masked": bool(hidden),
        "first": request.path if after else "",
        "next": f"?{urlencode({'after': shown[-1].place})}" if may_go_on else "",
        "is_cut": len(rows) > PAGE_SIZE and not may_go_on,
    }
    return page_response(request, "medallion/changes.html", f"Changes of {target}", context)


def _json(text: str | None) -> str | None:
    """What the page before gave; None for the first page, and for what is no JSON."""
    try:
        return text if text and isinstance(json.loads(text), dict) else None
    except ValueError:
        return None


def _line(table: Target, row: RowChange, hidden: set[str]) -> dict[str, Any]:
    """A row for people: what changed with both values; of one that came or went, what it has. What must not be seen is
    masked."""
    changed = row.was is not None and row.becomes is not None
    names = row.differs if changed else [n for n, v in row.stands.items() if v is not None and n not in row.key]
    was, stands = masked(row.was or {}, hidden), masked(row.stands, hidden)
    leads = row.becomes is not None and shows_all(row.place, hidden)
    return {
        "what": row.what,
        "key": masked(row.key, hidden),
        "trace": _trace(table, row) if leads else "",
        "pairs": [(name, was.get(name), stands[name]) for name in names],
        "changed": changed,
    }


def _trace(table: Target, row: RowChange) -> str:
    surrogate = table.contract.get("surrogate")
    key = {surrogate: row.stands[surrogate]} if surrogate in row.stands else row.key
    return f"{reverse('admin:trace')}?{urlencode({'table': table.pk, 'key': json.dumps(key, default=str)})}"


def _has_changed(run: PipelineRun, step: Step | None) -> bool:
    """Whether a step has changed rows that could be shown; raw rows are never changed."""
    batch = step.batch if step is not None else None
    if batch is None or batch.target_id.startswith("bronze."):
        return False
    return bool((batch.rows_inserted or 0) + (batch.rows_updated or 0) + (batch.rows_deleted or 0))


ACTIONS = (Action("step-changes", "Changes", SEE_ROWS, _has_changed, of_step=True),)
