"""Filters of the graph: tables that do not match are left out, and the ways through them are drawn as one edge."""

from __future__ import annotations

from dataclasses import replace

from lineage.graph import Edge, Graph, GraphNode
from lineage.viewing import View


def narrowed(graph: Graph, view: View, seen: frozenset[str] | None) -> Graph:
    """The graph with the tables that match the view's filters, and the table that it is about; without the figures of
    tables that are not among those `seen` (None: all are)."""
    graph = without_figures(graph, seen)
    if not view.is_narrowed:
        return graph
    kept = {name: node for name, node in graph.nodes.items() if name == view.table or matches(node, view)}
    return Graph(kept, [*_between(graph, kept), *_through(graph, kept)])


def without_figures(graph: Graph, seen: frozenset[str] | None) -> Graph:
    """The graph in which tables that are not among those `seen` have a name alone."""
    if seen is None:
        return graph
    nodes = {n: node if n in seen else replace(node, facts=None) for n, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


def matches(node: GraphNode, view: View) -> bool:
    """Whether all filters hold. What no load of ours writes has no status and no freshness."""
    if view.layer and node.layer != view.layer:
        return False
    if not (view.status or view.freshness or view.exceptions):
        return True
    facts = node.facts
    return (
        facts is not None
        and (not view.status or facts.status == view.status)
        and (not view.freshness or facts.freshness == view.freshness)
        and (not view.exceptions or facts.open_exceptions > 0)
    )


def _between(graph: Graph, kept: dict[str, GraphNode]) -> list[Edge]:
    return [edge for edge in graph.edges if edge.upstream in kept and edge.downstream in kept]


def _through(graph: Graph, kept: dict[str, GraphNode]) -> list[Edge]:
    """An edge for each two tables that only tables that are left out lie between."""
    feeds: dict[str, list[str]] = {}
    for edge in graph.edges:
        feeds.setdefault(edge.upstream, []).append(edge.downstream)
    direct = {(edge.upstream, edge.downstream) for edge in graph.edges}
    found = []
    for name in kept:
        seen: set[str] = set()
        waiting = [following for following in feeds.get(name, ()) if following not in kept]
        while waiting:
            hidden = waiting.pop()
            if hidden in seen:
                continue
            seen.add(hidden)
            for following in feeds.get(hidden, ()):
                if following not in kept:
                    waiting.append(following)
                elif following != name and (name, following) not in direct:
                    direct.add((name, following))
                    found.append(Edge(name, following, "through", "declared"))
    return sorted(found, key=lambda edge: (edge.upstream, edge.downstream))
