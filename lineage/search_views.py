"""The search page, and the names that the boxes offer while one types."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from lineage.pages import page_response
from lineage.permissions import SEE_TABLES, targets_of
from lineage.searching import search

OFFERED = 15


def search_page(request: HttpRequest) -> HttpResponse:
    """What was found, tables before columns."""
    text = request.GET.get("q", "").strip()
    context = {"q": text, "found": search(text, targets_of(request.user, SEE_TABLES))}
    return page_response(request, "lineage/search.html", "Search", context)


def search_json(request: HttpRequest) -> JsonResponse:
    """Names of tables, as a box offers them."""
    found = search(request.GET.get("q", ""), targets_of(request.user, SEE_TABLES))
    return JsonResponse({"tables": [hit.table for hit in found.tables[:OFFERED]]})
