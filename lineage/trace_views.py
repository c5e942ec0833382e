"""The pages of one row: where it comes from and what became of it; and of one number: the rows that add up to it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from psycopg.errors import QueryCanceled

from lineage.code.cursor import Cursor
from lineage.explaining import Explanation, explain
from lineage.models import Target
from lineage.pages import page_response
from lineage.permissions import SEE_TABLES, targets_of, within
from lineage.personal import MASK
from lineage.tracing import Became, Traced, trace, trace_forward
from lineage.veiling import veil_explanation, veil_trace

T = TypeVar("T")
MOST = 50
TIMEOUT_MS = 10_000
NAMES_OFFERED = 2_000


def trace_page(request: HttpRequest) -> HttpResponse:
    """A row with its values, the rows behind it, and what became of it; without a row, the form that asks for one."""
    table, key = _asked(request)
    context: dict[str, Any] = {"table": table, "key": key, "names": _names(request)}
    if table and key:
        traced, problem = _within_time(lambda cursor: _seen(request, trace(cursor, table, key, MOST)))
        became, late = (
            _within_time(lambda cursor: _seen(request, trace_forward(cursor, table, key, MOST)))
            if traced
            else (None, "")
        )
        context |= {"problem": problem, "late": late}
        if traced:
            traced, became = veil_trace(request, traced, became or [])
            context |= {
                "here": traced[0],
                "levels": _levels(traced[1:]),
                "became": [_became(one) for one in became],
                "explain_url": _link("explain", table, traced[0].key) if _is_aggregate(table) else "",
                "query": urlencode({"table": table, "key": key}),
            }
    status = 404 if context.get("problem") else None
    return page_response(request, "lineage/trace.html", "Trace", context, status=status)


def explain_page(request: HttpRequest) -> HttpResponse:
    """An aggregate's row: its figures, and the rows that add up to them."""
    table, key = _asked(request)
    context: dict[str, Any] = {
        "table": table,
        "key": key,
        "names": _names(request, "aggregate", "materialized_view", "fact"),
    }
    if table and key:
        found, problem = _within_time(lambda cursor: explain(cursor, table, key, MOST))
        context |= {
            "problem": problem or (found.reason if found else ""),
            "query": urlencode({"table": table, "key": key}),
        }
        if found:
            found = veil_explanation(request, found)
            context |= {"found": found, "trace_url": _link("trace", table, found.key), "rows": _rows(found)}
    status = 404 if context.get("problem") and "found" not in context else None
    return page_response(request, "lineage/explain.html", "Explain", context, status=status)


def trace_json(request: HttpRequest) -> JsonResponse:
    """The same as JSON: `from` the rows behind it, `became` what it became."""
    table, key = _asked(request)
    traced, problem = _within_time(lambda cursor: _seen(request, trace(cursor, table, key, MOST)))
    became, late = (
        _within_time(lambda cursor: _seen(request, trace_forward(cursor, table, key, MOST))) if traced else (None, "")
    )
    if traced is None or became is None:
        return JsonResponse({"error": problem or late}, status=404)
    traced, became = veil_trace(request, traced, became)
    return JsonResponse(
        {"from": [dataclasses.asdict(one) for one in traced], "became": [dataclasses.asdict(one) for one in became]}
    )


def explain_json(request: HttpRequest) -> JsonResponse:
    """The explanation as JSON."""
    table, key = _asked(request)
    found, problem = _within_time(lambda cursor: explain(cursor, table, key, MOST))
    if found is None:
        return JsonResponse({"error": problem}, status=404)
    found = veil_explanation(request, found)
    return JsonResponse({**dataclasses.asdict(found), "agrees": found.agrees})


# --- Pieces -----------------------------------------------------------------------------------------------------------
def _asked(request: HttpRequest) -> tuple[str, str]:
    # PostgreSQL's text has no NUL; nothing can be named so.
    return (
        request.GET.get("table", "").strip().replace("\0", ""),
        request.GET.get("key", "").strip().replace("\0", ""),
    )


def _seen(request: HttpRequest, found: list[T]) -> list[T]:
    """The rows of tables that the reader may see."""
    seen = targets_of(request.user, SEE_TABLES)
    return found if seen is None else [one for one in found if one.table in seen]  # type: ignore[attr-defined]


def _names(request: HttpRequest, *kinds: str) -> list[str]:
    targets = within(Target.objects.filter(kind__in=kinds) if kinds else Target.objects.all(), request.user, SEE_TABLES)
    return list(targets.values_list("target", flat=True)[:NAMES_OFFERED])


def _is_aggregate(table: str) -> bool:
    return Target.objects.filter(target=table, kind__in=("aggregate", "materialized_view")).exists()


def _within_time(ask: Callable[[Cursor], T]) -> tuple[T | None, str]:
    """What is asked for, or why there is no answer."""
    try:
        # A savepoint, so that a query that takes too long spoils nothing else of the page.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(TIMEOUT_MS)])
            return ask(cursor), ""
    except DatabaseError as error:
        cause = error.__cause__
        if isinstance(cause, QueryCanceled):
            return None, f"This took longer than {TIMEOUT_MS // 1000} s; manage.py trace has no such limit."
        diagnostic = getattr(cause, "diag", None)
        if diagnostic is None or not (diagnostic.sqlstate or "").startswith("AS"):
            raise
        return None, " ".join(part for part in (diagnostic.message_primary, diagnostic.message_hint) if part)


def _levels(traced: list[Traced]) -> list[dict[str, Any]]:
    """The rows behind, by how many steps they are away, and by table."""
    levels: list[dict[str, Any]] = []
    for one in traced:
        if not levels or (levels[-1]["step"], levels[-1]["table"]) != (one.step, one.table):
            levels.append({"step": one.step, "table": one.table, "rows": []})
        levels[-1]["rows"].append({"row": one, "values": _values(one), "url": _link("trace", one.table, one.key)})
    return levels


def _values(one: Traced) -> list[tuple[str, Any]]:
    """What tells a person which row it is: its key and its first values."""
    return [(n, v) for n, v in (one.row or {}).items() if v is not None and n not in one.key and n[0] != "_"][:8]


def _became(one: Became) -> dict[str, Any]:
    return {"one": one, "url": _link("trace", one.table, one.key) if one.key else ""}


def _rows(found: Explanation) -> list[dict[str, Any]]:
    return [
        {
            "values": one.values,
            "origins": [(table, _shown(key), _link("trace", table, key)) for table, key in one.origins],
        }
        for one in found.contributions
    ]


def _shown(key: dict[str, Any]) -> str:
    return ", ".join(str(value) for value in key.values())


def _link(page: str, table: str, key: dict[str, Any]) -> str:
    """The page of a row; "" where its key is masked."""
    if MASK in key.values():
        return ""
    return f"{reverse(f'admin:{page}')}?{urlencode({'table': table, 'key': json.dumps(key, default=str)})}"
