"""The lineage page: the graph as a picture, as a list, as SVG and as JSON. The URL holds the whole view."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from lineage.catalog_tables import GraphTable
from lineage.drawing import draw
from lineage.graph import DIRECTIONS, Graph, View, as_json, count_nodes, read_graph
from lineage.models import Target
from lineage.pages import page_response
from lineage.permissions import SEE_TABLES, targets_of, within

LARGEST_PICTURE = 500
LARGEST_LIST = 500
DEPTHS = (1, 2, 3, 5, 999)
NAMES_OFFERED = 2_000


def lineage(request: HttpRequest) -> HttpResponse:
    """The graph around a table, or the whole; above LARGEST_PICTURE nodes a list and the way to a smaller view."""
    view = View.from_query(request.GET)
    as_list = request.GET.get("view") == "list"
    insists = request.GET.get("view") == "picture"
    # A graph that is too large for either is not even read.
    size = 0 if view.table else count_nodes()
    graph = _seen(request, read_graph(view)) if view.table or as_list or insists or size <= LARGEST_PICTURE else None
    size = len(graph.nodes) if graph else size
    too_large = size > LARGEST_PICTURE and not insists
    context: dict[str, Any] = {
        "view": view,
        "size": size,
        "summary": _summary(view, size, graph),
        "is_table": bool(graph and view.table in graph.nodes and graph.nodes[view.table].facts),
        "too_large": too_large,
        "as_list": as_list,
        "unknown": bool(view.table) and not size,
        "depths": DEPTHS,
        "directions": DIRECTIONS,
        "names": within(Target.objects.all(), request.user, SEE_TABLES).values_list("target", flat=True)[
            :NAMES_OFFERED
        ],
        "list_query": view.query(view="list"),
        "picture_query": view.query(view="picture") if size > LARGEST_PICTURE else view.query(),
        "query": view.query(),
    }
    if graph and as_list:
        context |= {"table": _list(graph), "left_out": max(0, size - LARGEST_LIST)}
    elif graph and not too_large:
        context["drawing"] = draw(graph, view)
    status = 404 if context["unknown"] else None
    return page_response(request, "lineage/graph.html", "Lineage", context, status=status)


def lineage_svg(request: HttpRequest) -> HttpResponse:
    """The picture as a file that stands alone, whatever its size."""
    view = View.from_query(request.GET)
    graph = _seen(request, read_graph(view))
    base = request.build_absolute_uri(reverse("admin:lineage"))
    context = {"drawing": draw(graph, view), "base": base, "alone": True, "view": view}
    response = render(request, "lineage/graph.svg", context, content_type="image/svg+xml")
    response["Content-Disposition"] = f'attachment; filename="{_file_name(view)}.svg"'
    return response


def lineage_json(request: HttpRequest) -> JsonResponse:
    """The same nodes and edges for programs."""
    view = View.from_query(request.GET)
    response = JsonResponse(as_json(_seen(request, read_graph(view)), view), json_dumps_params={"indent": 1})
    response["Content-Disposition"] = f'inline; filename="{_file_name(view)}.json"'
    return response


def _summary(view: View, size: int, graph: Graph | None) -> str:
    """What is shown, in one line."""
    parts = [f"{size:,} {'box' if size == 1 else 'boxes'}"]
    if graph:
        parts.append(f"{len(graph.edges):,} {'edge' if len(graph.edges) == 1 else 'edges'}")
    if view.table:
        reach = "all the way" if view.depth == DEPTHS[-1] else f"{view.depth} step{'s' if view.depth > 1 else ''} away"
        what = {
            "upstream": "what it is made of",
            "downstream": "what is made of it",
            "both": "what it is made of and what is made of it",
        }
        parts.append(f"{what[view.direction]}, {reach}")
    return " · ".join(parts) if size else ""


def _seen(request: HttpRequest, graph: Graph) -> Graph:
    """The graph without the figures of tables that the reader may not see: that they are there is no secret."""
    seen = targets_of(request.user, SEE_TABLES)
    if seen is None:
        return graph
    nodes = {n: node if n in seen else dataclasses.replace(node, facts=None) for n, node in graph.nodes.items()}
    return dataclasses.replace(graph, nodes=nodes)


def _file_name(view: View) -> str:
    """A name that is safe in a header and on every disk."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in view.table)[:100]
    return f"lineage-{plain}" if plain else "lineage"


def _list(graph: Graph) -> GraphTable:
    feeds: dict[str, list[str]] = {}
    fed_by: dict[str, list[str]] = {}
    for edge in graph.edges:
        feeds.setdefault(edge.upstream, []).append(edge.downstream)
        fed_by.setdefault(edge.downstream, []).append(edge.upstream)
    rows = [
        {
            "name": node.name,
            "layer": node.layer,
            "fed_by": fed_by.get(node.name, []),
            "feeds": feeds.get(node.name, []),
            "rows": node.facts and node.facts.rows,
            "last_load": node.facts and node.facts.last_load,
            "waiting": node.facts and node.facts.waiting_batches,
            "exceptions": node.facts and node.facts.open_exceptions,
        }
        for node in list(graph.nodes.values())[:LARGEST_LIST]
    ]
    return GraphTable(rows)
