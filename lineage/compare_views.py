"""Two runs side by side: what they read and wrote, and the code that they ran."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from lineage.models import PipelineRun
from lineage.pages import page_response
from lineage.permissions import targets_of
from lineage.run_edges import COUNTS, changed_code, compare, read_edges
from lineage.runs import duration_of, runs_within


def compare_runs(request: HttpRequest) -> HttpResponse:
    """The runs `a` and `b`; without both, the form that asks for them."""
    runs = [_run(request, request.GET.get(name, "")) for name in ("a", "b")]
    asked = [request.GET.get(name, "").strip() for name in ("a", "b")]
    context: dict[str, Any] = {
        "asked": asked,
        "missing": [number for number, run in zip(asked, runs, strict=True) if number and run is None],
        "counts": COUNTS,
    }
    before, after = runs
    if before and after:
        seen = targets_of(request.user, "lineage.view_pipelinerun")
        pairs = compare(read_edges(before, seen), read_edges(after, seen))
        context |= {
            "before": before,
            "after": after,
            "durations": (duration_of(before), duration_of(after)),
            "pairs": pairs,
            "differing": sum(pair.differs for pair in pairs),
            "changes": changed_code(pairs),
        }
    status = 404 if context["missing"] else None
    return page_response(request, "lineage/compare.html", "Compare runs", context, status=status)


def _run(request: HttpRequest, number: str) -> PipelineRun | None:
    text = number.strip()
    known = text.isascii() and text.isdigit() and len(text) < 19
    return runs_within(request.user).filter(pk=int(text)).first() if known else None
