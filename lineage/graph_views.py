"""The lineage page: the graph as a picture, as a list, as SVG, JSON and CSV. The URL holds the whole view."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.gzip import gzip_page

from lineage.boxes import TITLES
from lineage.catalog_tables import GraphTable
from lineage.collapsing import collapsed
from lineage.drawing import draw
from lineage.exporting import csv_response, safe_name
from lineage.facts import FRESHNESS, STATUSES
from lineage.graph import Graph, GraphNode, read_graph
from lineage.graph_json import as_json
from lineage.listing import as_rows, list_graph
from lineage.narrowing import narrowed
from lineage.pages import page_response
from lineage.permissions import SEE_TABLES, targets_of
from lineage.searching import search
from lineage.viewing import DIRECTIONS, LAYERS, View

LARGEST_PICTURE = 500
DEPTHS = (1, 2, 3, 5, 999)


@gzip_page
def lineage(request: HttpRequest) -> HttpResponse:
    """The graph around a table, or the whole; what is too large for one picture is collapsed by layer and warehouse."""
    view = View.from_query(request.GET)
    context: dict[str, Any] = {
        "view": view,
        "depths": DEPTHS,
        "directions": DIRECTIONS,
        "layers": [(layer, TITLES[layer].lower()) for layer in LAYERS],
        "statuses": STATUSES,
        "freshness": FRESHNESS,
        "query": view.query(shape=""),
        "queries": {shape: view.query(shape=shape) for shape in ("", "picture", "groups", "list")},
    }
    context |= _listed(view, _seen(request)) if view.shape == "list" else _drawn(view, _seen(request))
    context["unknown"] = bool(view.table) and not context["size"] and not view.is_narrowed
    if context["unknown"]:
        context["found"] = search(view.table, _seen(request))
    status = 404 if context["unknown"] else None
    return page_response(request, "lineage/graph.html", "Lineage", context, status=status)


@gzip_page
def lineage_svg(request: HttpRequest) -> HttpResponse:
    """The picture as a file that stands alone, whatever its size."""
    view = View.from_query(request.GET)
    graph = narrowed(read_graph(view), view, _seen(request))
    if view.shape == "groups":
        graph = collapsed(graph, view)
    base = request.build_absolute_uri(reverse("admin:lineage"))
    site = request.build_absolute_uri("/").rstrip("/")
    context = {"drawing": draw(graph, view), "base": base, "site": site, "alone": True, "view": view}
    response = render(request, "lineage/graph.svg", context, content_type="image/svg+xml")
    response["Content-Disposition"] = f'attachment; filename="{_file_name(view)}.svg"'
    return response


@gzip_page
def lineage_json(request: HttpRequest) -> HttpResponse:
    """The same nodes and edges for programs."""
    view = View.from_query(request.GET)
    graph = narrowed(read_graph(view), view, _seen(request))
    response = JsonResponse(as_json(graph, view), json_dumps_params={"indent": 1})
    response["Content-Disposition"] = f'inline; filename="{_file_name(view)}.json"'
    return response


@gzip_page
def lineage_csv(request: HttpRequest) -> HttpResponse:
    """The same edges as a file for spreadsheets."""
    view = View.from_query(request.GET)
    return csv_response(as_rows(narrowed(read_graph(view), view, _seen(request))), _file_name(view))


def _drawn(view: View, seen: frozenset[str] | None) -> dict[str, Any]:
    """The picture; where it would have more than LARGEST_PICTURE boxes, that of the groups, or none."""
    graph = whole = narrowed(read_graph(view), view, seen)
    too_large = len(whole.nodes) > LARGEST_PICTURE
    is_collapsed = view.shape == "groups" or (too_large and view.shape != "picture")
    if is_collapsed:
        graph = collapsed(whole, view)
    is_drawn = len(graph.nodes) <= LARGEST_PICTURE or view.shape == "picture"
    return {
        "size": len(whole.nodes),
        "summary": _summary(view, len(whole.nodes), len(whole.edges)),
        "is_table": _is_table(whole, view),
        "too_large": too_large,
        "is_collapsed": is_collapsed,
        "trouble": _trouble(whole),
        "drawing": draw(graph, view) if is_drawn and graph.nodes else None,
    }


def _listed(view: View, seen: frozenset[str] | None) -> dict[str, Any]:
    listing = list_graph(view, seen)
    return {
        "size": listing.total,
        "summary": _summary(view, listing.total),
        "is_table": any(row["name"] == view.table and row["node"].facts for row in listing.rows),
        "listing": listing,
        "table": GraphTable([_row(row) for row in listing.rows]),
        "before": None if listing.before is None else view.query(start=listing.before),
        "after": None if listing.after is None else view.query(start=listing.after),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    node: GraphNode = row["node"]
    facts = node.facts
    return {
        **{name: row[name] for name in ("name", "fed_by", "feeds")},
        "rows": facts and facts.rows,
        "last_load": facts and facts.last_load,
        "status": facts and facts.status,
        "freshness": facts and facts.freshness,
        "accepted": facts and facts.accepted,
        "exceptions": facts and facts.open_exceptions,
        "upstream_trouble": node.upstream_trouble,
    }


def _is_table(graph: Graph, view: View) -> bool:
    return view.table in graph.nodes and graph.nodes[view.table].facts is not None


def _trouble(graph: Graph) -> str:
    """How many tables have trouble, and how many more only stand behind such."""
    own = sum(bool(node.facts and node.facts.trouble) for node in graph.nodes.values())
    behind = sum(
        bool(node.upstream_trouble) for node in graph.nodes.values() if not (node.facts and node.facts.trouble)
    )
    if not own and not behind:
        return ""
    return f"{own:,} with trouble" + (f", {behind:,} more downstream of it" if behind else "")


def _summary(view: View, size: int, edges: int | None = None) -> str:
    """What is shown, in one line."""
    parts = [f"{size:,} {'table' if size == 1 else 'tables'}, sources and consumers" if size > 1 else f"{size:,} table"]
    if edges is not None:
        parts.append(f"{edges:,} {'edge' if edges == 1 else 'edges'}")
    if view.table:
        reach = "all the way" if view.depth == DEPTHS[-1] else f"{view.depth} step{'s' if view.depth > 1 else ''} away"
        what = {
            "upstream": "what it is made of",
            "downstream": "what is made of it",
            "both": "what it is made of and what is made of it",
        }
        parts.append(f"{what[view.direction]}, {reach}")
    return " · ".join(parts) if size else ""


def _seen(request: HttpRequest) -> frozenset[str] | None:
    """The tables whose figures the reader may see; None: all. That the others are there is no secret."""
    return targets_of(request.user, SEE_TABLES)


def _file_name(view: View) -> str:
    return f"lineage-{safe_name(view.table)}" if view.table else "lineage"
