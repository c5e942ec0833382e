"""The graph collapsed: one box for the tables of a warehouse in a layer, until somebody opens it."""

from __future__ import annotations

from lineage.graph import Edge, Graph, GraphNode
from lineage.viewing import View

#: Names of groups are told from names of tables by it.
SIGN = "/"


def collapsed(graph: Graph, view: View) -> Graph:
    """The graph with a box for each group, but for those that are opened, the table that the view is about, the tables
    that are expanded, and groups of one."""
    groups: dict[str, list[GraphNode]] = {}
    for node in graph.nodes.values():
        group = group_of(node)
        if group not in view.opened and node.name != view.table and node.name not in view.more:
            groups.setdefault(group, []).append(node)
    groups = {group: members for group, members in groups.items() if len(members) > 1}
    place = {node.name: group for group, members in groups.items() for node in members}
    nodes = [node for name, node in graph.nodes.items() if name not in place]
    nodes += [GraphNode(group, members[0].layer, members=members) for group, members in groups.items()]
    edges: dict[tuple[str, str], Edge] = {}
    for edge in graph.edges:
        ends = place.get(edge.upstream, edge.upstream), place.get(edge.downstream, edge.downstream)
        if ends[0] != ends[1]:
            edges.setdefault(ends, Edge(*ends, edge.kind, edge.origin))
    return Graph.of(nodes, sorted(edges.values(), key=lambda edge: (edge.upstream, edge.downstream)))


def group_of(node: GraphNode) -> str:
    """The group of a table: its layer and its warehouse; of what no load of ours writes: its layer."""
    return f"{node.layer}{SIGN}{node.facts.warehouse}" if node.facts else f"{node.layer}{SIGN}"
