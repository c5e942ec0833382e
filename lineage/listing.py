"""The graph as a list, a page at a time, so that it takes as long for 20,000 tables as for 100."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from lineage.graph import Graph, GraphNode, read_graph, read_named
from lineage.narrowing import narrowed, without_figures
from lineage.viewing import LAYERS, View

PAGE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list: rows from `start` on, of so many in all."""

    rows: list[dict[str, Any]]
    total: int
    start: int

    @property
    def first(self) -> int:
        """The numbers of the page's rows, as people count."""
        return self.start + 1

    @property
    def last(self) -> int:
        return self.start + len(self.rows)

    @property
    def before(self) -> int | None:
        """Where the page before begins; None where there is none."""
        return max(self.start - PAGE, 0) if self.start else None

    @property
    def after(self) -> int | None:
        return self.start + PAGE if self.start + PAGE < self.total else None


def list_graph(view: View, seen: frozenset[str] | None) -> Listing:
    """The nodes of a view by layer and name, each with what feeds it and what it feeds. seen: as in `narrowed`. Locks
    nothing."""
    if view.table or view.is_narrowed:
        graph = narrowed(read_graph(view), view, seen)
        nodes, total = list(graph.nodes.values())[view.start : view.start + PAGE], len(graph.nodes)
    else:
        names, total = _read_page(view.start)
        nodes = list(without_figures(read_named(names), seen).nodes.values())
    fed_by, feeds = _read_neighbours([node.name for node in nodes])
    rows = [
        {"name": node.name, "node": node, "fed_by": fed_by.get(node.name, []), "feeds": feeds.get(node.name, [])}
        for node in nodes
    ]
    return Listing(rows, total, view.start)


def as_rows(graph: Graph) -> list[tuple[str, ...]]:
    """The edges as rows of a file, below a header; tables without edges have a row of their own."""
    rows = [("upstream", "downstream", "type", "origin")]
    rows += [(edge.upstream, edge.downstream, edge.kind, edge.origin) for edge in graph.edges]
    joined = {name for edge in graph.edges for name in (edge.upstream, edge.downstream)}
    return rows + [_alone(node) for node in graph.nodes.values() if node.name not in joined]


def _alone(node: GraphNode) -> tuple[str, ...]:
    return (node.name, "", "", "")


def _read_page(start: int) -> tuple[list[str], int]:
    """The names of a page of the whole graph, and how many names there are."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, {"layers": list(LAYERS), "start": start, "size": PAGE})
        found = cursor.fetchall()
        if not found and start:  # beyond the end
            return _read_page(0)
    return [name for name, _ in found], found[0][1] if found else 0


def _read_neighbours(names: list[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    fed_by: dict[str, list[str]] = {}
    feeds: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.upstream_table, d.downstream_table FROM dwh_lineage.table_dependencies AS d"
            " WHERE d.upstream_table = ANY (%(names)s) OR d.downstream_table = ANY (%(names)s) ORDER BY 1, 2",
            {"names": names},
        )
        for upstream, downstream in cursor.fetchall():
            fed_by.setdefault(downstream, []).append(upstream)
            feeds.setdefault(upstream, []).append(downstream)
    return fed_by, feeds


# What no load writes stands in the layer that layer_of gives it.
_PAGE = """
    WITH nodes AS (
        SELECT t.target AS name, t.layer FROM dwh_lineage.targets AS t
        UNION ALL
        SELECT o.name, CASE
            WHEN split_part(o.name, '.', 1) IN ('bronze', 'silver', 'gold') AND o.name LIKE '%%.%%'
                THEN split_part(o.name, '.', 1)
            WHEN o.is_fed THEN 'consumer' ELSE 'source'
        END
        FROM (
            SELECT e.name, bool_or(e.is_fed) AS is_fed
            FROM (
                SELECT d.upstream_table AS name, false AS is_fed FROM dwh_lineage.table_dependencies AS d
                UNION ALL
                SELECT d.downstream_table, true FROM dwh_lineage.table_dependencies AS d
            ) AS e
            WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.targets AS t WHERE t.target = e.name)
            GROUP BY e.name
        ) AS o
    )
    SELECT n.name, count(*) OVER () FROM nodes AS n
    ORDER BY array_position(%(layers)s::text[], n.layer), n.name
    OFFSET %(start)s LIMIT %(size)s
"""
