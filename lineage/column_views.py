"""The page of one column: its way from the sources, and what would change if it did, as picture, list and file."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from lineage.column_drawing import draw_path
from lineage.column_paths import ROWS, Path, impact_rows, read_path
from lineage.exporting import csv_response
from lineage.models import Target
from lineage.pages import page_response

LARGEST_PICTURE = 150
SHOWN = 500


def column(request: HttpRequest) -> HttpResponse:
    """A column with all that is before and behind it."""
    path = _asked(request)
    table, name = path.place
    known = Target.objects.filter(target=table).first()
    found = bool(path.edges) or (known is not None and f'"{name}"'.lower() in known.search_text)
    context: dict[str, Any] = {
        "table": table,
        "column": name,
        "is_table": known is not None,
        "unknown": not found,
        "doc": _doc(known, name),
        "upstream": path.upstream[:SHOWN],
        "downstream": path.downstream[:SHOWN],
        "reach": _reach(path),
        "left_out": max(len(path.downstream) - SHOWN, 0),
        "drawing": draw_path(path) if path.edges and len(path.edges) <= LARGEST_PICTURE else None,
        "rows": ROWS,
    }
    return page_response(request, "lineage/column.html", "Column", context, status=None if found else 404)


def impact_csv(request: HttpRequest) -> HttpResponse:
    """What would change if the column did, as a file for spreadsheets."""
    path = _asked(request)
    return csv_response(impact_rows(path), f"impact-{'.'.join(path.place)}")


def _asked(request: HttpRequest) -> Path:
    # PostgreSQL's text has no NUL; nothing can be named so.
    table, name = (request.GET.get(part, "").strip().replace("\0", "") for part in ("table", "column"))
    return read_path(table, name)


def _doc(target: Target | None, name: str) -> str:
    columns = target.contract.get("columns", []) if target else []
    return next((str(one.get("doc", "")) for one in columns if one["name"] == name), "")


def _reach(path: Path) -> str:
    """How far a change would reach, in one line."""
    if not path.downstream:
        return ""
    tables = {one.place[0] for one in path.downstream}
    columns = sum(one.place[1] != ROWS for one in path.downstream)
    return f"{columns:,} column{'s' if columns != 1 else ''}, {len(tables):,} table{'s' if len(tables) != 1 else ''}"
