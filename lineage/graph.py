"""The graph of tables: what feeds what, all of it or what lies around one table.

One store of edges (`table_dependencies`) serves the picture, the list and the exports, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from lineage.facts import TableFacts, read_facts
from lineage.trouble import Trouble, nearest_trouble
from lineage.viewing import LAYERS, MAX_DEPTH, View


@dataclass(frozen=True, slots=True)
class Edge:
    """`upstream` feeds `downstream`."""

    upstream: str
    downstream: str
    kind: str  # data, reference, optional; through: by way of tables that are left out
    origin: str  # declared, parsed, observed, openlineage


@dataclass(slots=True)
class GraphNode:
    """A table, a source or a consumer; those that no load of ours writes have no facts. Or a group of such: `members`.

    `hidden_up`, `hidden_down`: how many neighbours are outside the view. `upstream_trouble`: what is wrong with the
    nearest table behind it that has trouble.
    """

    name: str
    layer: str
    facts: TableFacts | None = None
    hidden_up: int = 0
    hidden_down: int = 0
    upstream_trouble: Trouble | None = None
    members: list[GraphNode] = field(default_factory=list)

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

    @classmethod
    def of(cls, nodes: Iterable[GraphNode], edges: list[Edge]) -> Graph:
        ordered = sorted(nodes, key=lambda node: (LAYERS.index(node.layer), node.name))
        return cls({node.name: node for node in ordered}, edges)


def read_graph(view: View) -> Graph:
    """The part of the graph around a table, or all of it, before filters. A table that nobody knows gives an empty
    graph. Locks nothing."""
    if not view.table:
        edges = _read_edges(_ALL, {})
        return _graph(None, edges, edges, {})
    return read_named(_names_around(view))


def read_named(names: list[str]) -> Graph:
    """The graph of some tables alone, with what comes to them from outside: the trouble, and how many neighbours."""
    behind = _read_edges(_BEHIND, {"names": names})
    inside = set(names)
    edges = [edge for edge in behind if edge.upstream in inside and edge.downstream in inside]
    return _graph(names, edges, behind, _read_hidden(names))


def count_nodes() -> int:
    """How many nodes the whole graph has, without reading it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT target FROM dwh_lineage.targets"
            " UNION SELECT upstream_table FROM dwh_lineage.table_dependencies"
            " UNION SELECT downstream_table FROM dwh_lineage.table_dependencies) AS n"
        )
        return int(cursor.fetchone()[0])


def layer_of(name: str, *, fed: bool) -> str:
    """The layer of what no load of ours writes: that of its schema, or by what it does: what something feeds is a
    consumer, what only feeds is a source."""
    schema, dot, _ = name.partition(".")
    if dot and schema in LAYERS[1:4]:
        return schema
    return "consumer" if fed else "source"


def _graph(
    names: list[str] | None, edges: list[Edge], behind: list[Edge], hidden: Mapping[str, tuple[int, int]]
) -> Graph:
    """Nodes with their facts, and with the trouble that comes along the edges `behind`, which reach out of the view."""
    known = {name for edge in behind for name in (edge.upstream, edge.downstream)} | set(names or ())
    facts = {row.target: row for row in read_facts(None if names is None else sorted(known))}
    shown = facts.keys() | known if names is None else set(names)
    fed = {edge.downstream for edge in behind}
    feeds = {edge.upstream for edge in behind}
    trouble = nearest_trouble(facts, [(edge.upstream, edge.downstream) for edge in behind])
    nodes = []
    for name in shown:
        row = facts.get(name)
        up, down = hidden.get(name, (0, 0))
        if row is None and name not in fed and name not in feeds and not up and not down:
            continue  # nobody knows it
        layer = row.layer if row else layer_of(name, fed=name in fed or up > 0)
        nodes.append(GraphNode(name, layer, row, up, down, trouble.get(name)))
    return Graph.of(nodes, edges)


def _names_around(view: View) -> list[str]:
    """The names in reach, and the neighbours of the tables that are expanded."""
    found = {view.table}
    with connection.cursor() as cursor:
        if view.depth < MAX_DEPTH or view.more:
            depth = view.depth if view.depth < MAX_DEPTH else 0
            cursor.execute(
                _AROUND,
                {
                    "table": view.table, "depth": depth, "more": list(view.more),
                    "up": view.direction != "downstream", "down": view.direction != "upstream",
                },
            )  # fmt: skip
            found.update(name for (name,) in cursor.fetchall())
        if view.depth == MAX_DEPTH:
            for function in {"both": ("upstream", "downstream")}.get(view.direction, (view.direction,)):
                cursor.execute(_REACHED[function], [view.table])
                found.update(name for (name,) in cursor.fetchall())
    return sorted(found)


def _read_edges(query: str, parameters: dict[str, Any]) -> list[Edge]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [Edge(*row) for row in cursor.fetchall()]


def _read_hidden(names: list[str]) -> dict[str, tuple[int, int]]:
    """How many neighbours of each table are not in the view: upstream, downstream."""
    with connection.cursor() as cursor:
        cursor.execute(_HIDDEN, {"names": names})
        return {name: (up, down) for name, up, down in cursor.fetchall()}


_REACHED = {
    "upstream": "SELECT table_name FROM dwh_lineage.get_upstream(%s)",
    "downstream": "SELECT table_name FROM dwh_lineage.get_downstream(%s)",
}

# A few steps are walked step by step: get_upstream would follow all ways to their ends first.
_AROUND = """
    WITH RECURSIVE upward (name, level) AS (
        SELECT %(table)s::text, 0
        UNION
        SELECT d.upstream_table, u.level + 1
        FROM upward AS u JOIN dwh_lineage.table_dependencies AS d ON d.downstream_table = u.name
        WHERE u.level < %(depth)s AND %(up)s
    ), downward (name, level) AS (
        SELECT %(table)s::text, 0
        UNION
        SELECT d.downstream_table, u.level + 1
        FROM downward AS u JOIN dwh_lineage.table_dependencies AS d ON d.upstream_table = u.name
        WHERE u.level < %(depth)s AND %(down)s
    )
    SELECT u.name FROM upward AS u
    UNION
    SELECT d.name FROM downward AS d
    UNION
    SELECT x.name
    FROM dwh_lineage.table_dependencies AS d
    CROSS JOIN LATERAL (VALUES (d.upstream_table), (d.downstream_table)) AS x (name)
    WHERE d.upstream_table = ANY (%(more)s::text[]) OR d.downstream_table = ANY (%(more)s::text[])
"""

_ALL = """
    SELECT d.upstream_table, d.downstream_table, d.dependency_type, d.origin
    FROM dwh_lineage.table_dependencies AS d ORDER BY 1, 2
"""

# The edges by which anything comes to the tables of a view, from however far: trouble comes the same way.
_BEHIND = """
    WITH RECURSIVE behind (name) AS (
        SELECT unnest(%(names)s::text[])
        UNION
        SELECT d.upstream_table
        FROM behind AS b JOIN dwh_lineage.table_dependencies AS d ON d.downstream_table = b.name
    )
    SELECT d.upstream_table, d.downstream_table, d.dependency_type, d.origin
    FROM behind AS b JOIN dwh_lineage.table_dependencies AS d ON d.downstream_table = b.name
    ORDER BY 1, 2
"""

_HIDDEN = """
    SELECT n.name,
        (SELECT count(*) FROM dwh_lineage.table_dependencies AS d
         WHERE d.downstream_table = n.name AND d.upstream_table <> ALL (%(names)s::text[])),
        (SELECT count(*) FROM dwh_lineage.table_dependencies AS d
         WHERE d.upstream_table = n.name AND d.downstream_table <> ALL (%(names)s::text[]))
    FROM unnest(%(names)s::text[]) AS n (name)
"""
