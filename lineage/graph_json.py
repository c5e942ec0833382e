"""The graph for programs."""

from __future__ import annotations

from typing import Any

from lineage.graph import Graph, GraphNode
from lineage.viewing import View


def as_json(graph: Graph, view: View) -> dict[str, Any]:
    """The same nodes and edges as in the picture."""
    return {
        "table": view.table or None,
        "depth": view.depth if view.table else None,
        "direction": view.direction if view.table else None,
        "nodes": [_node(node) for node in graph.nodes.values()],
        "edges": [
            {"upstream": e.upstream, "downstream": e.downstream, "type": e.kind, "origin": e.origin}
            for e in graph.edges
        ],
    }


def _node(node: GraphNode) -> dict[str, Any]:
    said: dict[str, Any] = {"name": node.name, "layer": node.layer}
    if facts := node.facts:
        said |= {
            "kind": facts.kind,
            "warehouse": facts.warehouse,
            "rows": facts.rows,
            "last_load": facts.last_load,
            "last_run": facts.last_run,
            "status": facts.status,
            "seconds": facts.took and facts.took.total_seconds(),
            "freshness": facts.freshness,
            "accepted": facts.accepted,
            "open_exceptions": facts.open_exceptions,
            "failing_checks": facts.failing_checks,
            "waiting_batches": facts.waiting_batches,
        }
    trouble = node.upstream_trouble
    said["upstream_trouble"] = {"table": trouble.table, "what": trouble.what} if trouble else None
    return said
