"""Layered drawing of a directed graph, left to right: positions of the boxes and routes of the edges.

The method is Sugiyama's: orient the edges so that no cycle is left, give each box a layer, let long edges pass every
layer in between at a point of their own (a dummy), order each layer so that few edges cross, then give coordinates
(Brandes and Köpf). Pure Python, no randomness: the same nodes and edges, in whatever order, give the same drawing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lineage.layout.coordinates import assign_rows
from lineage.layout.layering import assign_layers, orient
from lineage.layout.ordering import order_layers
from lineage.layout.proper import Proper, make_proper
from lineage.layout.routes import Route, route_edges

__all__ = ["Box", "Column", "Layout", "Node", "Route", "lay_out"]

MARGIN = 16.0
BOX_GAP = 14.0
LANE_GAP = 8.0
MIN_COLUMN_GAP, MAX_COLUMN_GAP = 56.0, 200.0


@dataclass(frozen=True, slots=True)
class Node:
    """A box to place. Boxes of a lower `group` stand left of those of a higher one, whatever the edges say."""

    id: str
    width: float
    height: float
    group: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A placed box: its upper left corner and its size."""

    id: str
    x: float
    y: float
    width: float
    height: float
    layer: int


@dataclass(frozen=True, slots=True)
class Column:
    """The strip that the layers of one group take."""

    group: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawing; coordinates in the unit of the nodes' sizes, the origin in the upper left corner."""

    width: float
    height: float
    boxes: dict[str, Box] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)


def lay_out(nodes: Iterable[Node], edges: Iterable[tuple[str, str]], gap: float = MIN_COLUMN_GAP) -> Layout:
    """Place `nodes` and route `edges` (pairs of node ids: from, to), with at least `gap` between layers.

    Equal edges count once. Raises ValueError for two nodes of one id, and for an edge to a node that is not there.
    """
    placed = sorted(nodes, key=lambda node: (node.group, node.id))
    index = {node.id: position for position, node in enumerate(placed)}
    if len(index) < len(placed):
        raise ValueError("Two nodes have the same id; each box needs one of its own.")
    pairs = sorted({(_known(index, source), _known(index, target)) for source, target in edges})
    if not placed:
        return Layout(0.0, 0.0)
    groups = [node.group for node in placed]
    oriented = orient(groups, [pair for pair in pairs if pair[0] != pair[1]])
    layer_of = assign_layers(groups, oriented)
    graph = make_proper(layer_of, oriented)
    order_layers(graph)
    heights = [node.height for node in placed] + [0.0] * (graph.size - len(placed))
    gaps = [BOX_GAP] * len(placed) + [LANE_GAP] * (graph.size - len(placed))
    middles = assign_rows(graph, heights, gaps)
    return _draw(placed, pairs, graph, heights, middles, gap)


def _known(index: dict[str, int], name: str) -> int:
    try:
        return index[name]
    except KeyError:
        raise ValueError(f"An edge names {name!r}, but no node has that id.") from None


def _draw(
    placed: list[Node],
    pairs: list[tuple[int, int]],
    graph: Proper,
    heights: list[float],
    middles: list[float],
    gap: float,
) -> Layout:
    """Turn layers and rows into boxes, columns and routes."""
    top = min(middle - height / 2 for middle, height in zip(middles, heights, strict=True)) - MARGIN
    # Whole numbers make the picture's file a fifth smaller; the gaps are far wider than what rounding moves.
    rows = [float(round(middle - top)) for middle in middles]
    strips = _strips(placed, graph, rows, gap)
    boxes = {
        node.id: Box(node.id, strips[layer][0], round(row - node.height / 2, 1), node.width, node.height, layer)
        for node, row, layer in zip(placed, rows, graph.layer_of, strict=False)
    }
    columns: dict[int, Column] = {}
    for node in placed:
        left, right = strips[boxes[node.id].layer]
        known = columns.get(node.group)
        start = min(left, known.x) if known else left
        end = max(right, known.x + known.width) if known else right
        columns[node.group] = Column(node.group, start, round(end - start, 1))
    routes = route_edges(placed, pairs, boxes, graph, rows, strips)
    bottom = max(row + height / 2 for row, height in zip(rows, heights, strict=True))
    return Layout(strips[-1][1] + MARGIN, round(bottom + MARGIN, 1), boxes, routes, list(columns.values()))


def _strips(placed: list[Node], graph: Proper, rows: list[float], gap: float) -> list[tuple[float, float]]:
    """Left and right end of each layer. Where edges climb far, the gap before the next layer is wider."""
    strips: list[tuple[float, float]] = []
    x = MARGIN
    for layer in graph.layers:
        width = max((placed[vertex].width for vertex in layer if vertex < len(placed)), default=0.0)
        x = float(round(x))
        strips.append((x, round(x + width, 1)))
        climb = max((abs(rows[vertex] - rows[below]) for vertex in layer for below in graph.down[vertex]), default=0.0)
        x += width + max(gap, min(climb / 6, MAX_COLUMN_GAP))
    return strips
