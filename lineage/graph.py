"""The graph of tables: what feeds what, all of it or what lies around one table.

One store of edges (`table_dependencies`) and one traversal (`get_upstream`, `get_downstream`) serve the picture, the
list and the exports, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db import connection

from lineage.catalog import TableFacts, read_facts

LAYERS = ("source", "bronze", "silver", "gold", "consumer")
DIRECTIONS = ("both", "upstream", "downstream")
DEFAULT_DEPTH, MAX_DEPTH = 2, 999


@dataclass(frozen=True, slots=True)
class View:
    """What part of the graph is looked at, as the URL says it. Without a table: all of it."""

    table: str = ""
    depth: int = DEFAULT_DEPTH
    direction: str = "both"

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> View:
        """Read a URL's parameters; what makes no sense counts as absent, as a page should not fail over a typo."""
        depth = query.get("depth", "")
        direction = query.get("direction", "")
        known = depth.isascii() and depth.isdigit() and len(depth) < 5
        return cls(
            # PostgreSQL's text has no NUL; no table can be named so.
            table=query.get("table", "").strip().replace("\0", ""),
            depth=min(max(int(depth), 1), MAX_DEPTH) if known else DEFAULT_DEPTH,
            direction=direction if direction in DIRECTIONS else "both",
        )

    def query(self, **changes: object) -> str:
        """The URL's query string for this view, with some parameters changed."""
        values: dict[str, object] = {"table": self.table} if self.table else {}
        if self.table and self.depth != DEFAULT_DEPTH:
            values["depth"] = self.depth
        if self.table and self.direction != "both":
            values["direction"] = self.direction
        return urlencode({**values, **changes})


@dataclass(frozen=True, slots=True)
class Edge:
    """`upstream` feeds `downstream`."""

    upstream: str
    downstream: str
    kind: str  # data, reference, optional
    origin: str  # declared, parsed, observed, openlineage


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A table, a source or a consumer. Those that no load of ours writes have no facts."""

    name: str
    layer: str
    facts: TableFacts | None

    @property
    def label(self) -> str:
        """The name without the schema where the layer says it already."""
        schema, _, rest = self.name.partition(".")
        return rest if rest and schema == self.layer else self.name


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by name, in the order of their layers; edges between them."""

    nodes: dict[str, GraphNode] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def read_graph(view: View) -> Graph:
    """The part of the graph that `view` shows. A table that nobody knows gives an empty graph. Locks nothing."""
    names = _names_around(view) if view.table else None
    edges = _read_edges(names)
    facts = {row.target: row for row in read_facts(names)}
    others = {name for edge in edges for name in (edge.upstream, edge.downstream)} | set(names or ())
    nodes = [GraphNode(name, row.layer, row) for name, row in facts.items()]
    nodes += [GraphNode(name, layer, None) for name, layer in _read_others(sorted(others - facts.keys()))]
    nodes.sort(key=lambda node: (LAYERS.index(node.layer), node.name))
    return Graph({node.name: node for node in nodes}, edges)


def count_nodes() -> int:
    """How many nodes the whole graph has, without reading it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT target FROM dwh_lineage.targets"
            " UNION SELECT upstream_table FROM dwh_lineage.table_dependencies"
            " UNION SELECT downstream_table FROM dwh_lineage.table_dependencies) AS n"
        )
        return int(cursor.fetchone()[0])


def as_json(graph: Graph, view: View) -> dict[str, Any]:
    """The graph for programs: the same nodes and edges as in the picture."""
    return {
        "table": view.table or None,
        "depth": view.depth if view.table else None,
        "direction": view.direction if view.table else None,
        "nodes": [_node_json(node) for node in graph.nodes.values()],
        "edges": [
            {"upstream": e.upstream, "downstream": e.downstream, "type": e.kind, "origin": e.origin}
            for e in graph.edges
        ],
    }


def _node_json(node: GraphNode) -> dict[str, Any]:
    facts = node.facts
    return {
        "name": node.name,
        "layer": node.layer,
        "kind": facts and facts.kind,
        "rows": facts and facts.rows,
        "last_load": facts and facts.last_load,
        "open_exceptions": facts and facts.open_exceptions,
        "waiting_batches": facts and facts.waiting_batches,
    }


def _names_around(view: View) -> list[str]:
    functions = {"both": ("upstream", "downstream")}.get(view.direction, (view.direction,))
    found = {view.table}
    with connection.cursor() as cursor:
        for function in functions:
            cursor.execute(_REACHED[function], [view.table, view.depth])
            found.update(name for (name,) in cursor.fetchall())
    return sorted(found)


_REACHED = {
    "upstream": "SELECT table_name FROM dwh_lineage.get_upstream(%s) WHERE level <= %s",
    "downstream": "SELECT table_name FROM dwh_lineage.get_downstream(%s) WHERE level <= %s",
}


def _read_edges(names: list[str] | None) -> list[Edge]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT upstream_table, downstream_table, dependency_type, origin FROM dwh_lineage.table_dependencies"
            " WHERE %(names)s::text[] IS NULL"
            " OR (upstream_table = ANY (%(names)s::text[]) AND downstream_table = ANY (%(names)s::text[]))"
            " ORDER BY upstream_table, downstream_table",
            {"names": names},
        )
        return [Edge(*row) for row in cursor.fetchall()]


def _read_others(names: list[str]) -> list[tuple[str, str]]:
    """Those of `names` that edges know, with their layers: that of the schema, or by what they do: what something
    feeds is a consumer, what only feeds is a source."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.name, f.fed FROM unnest(%s::text[]) AS n (name) CROSS JOIN LATERAL ("
            " SELECT EXISTS (SELECT 1 FROM dwh_lineage.table_dependencies AS d WHERE d.downstream_table = n.name),"
            "        EXISTS (SELECT 1 FROM dwh_lineage.table_dependencies AS d WHERE d.upstream_table = n.name)"
            ") AS f (fed, feeds) WHERE f.fed OR f.feeds",
            [names],
        )
        found = cursor.fetchall()
    return [(name, _layer(name, fed=fed)) for name, fed in found]


def _layer(name: str, *, fed: bool) -> str:
    schema, dot, _ = name.partition(".")
    if dot and schema in LAYERS[1:4]:
        return schema
    return "consumer" if fed else "source"
