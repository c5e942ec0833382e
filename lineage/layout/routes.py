"""The lines of the edges: straight through the layers, curved in the gaps between them, where no box stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineage.layout import Box, Node
    from lineage.layout.proper import Proper

Point = tuple[float, float]
LOOP = 20.0  # how far the line of a self loop leaves its box


@dataclass(frozen=True, slots=True)
class Route:
    """The line of an edge, from the side of one box to the side of the other."""

    source: str
    target: str
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The `d` of an SVG path: level stretches, and curves that begin and end level."""
        (x, y), *rest = self.points
        parts = [f"M{x:g} {y:g}"]
        if self.source == self.target:
            reach, end = x + LOOP, rest[-1]
            return f"{parts[0]}C{reach:g} {y:g} {reach:g} {end[1]:g} {end[0]:g} {end[1]:g}"
        for to_x, to_y in rest:
            if to_y == y:
                parts.append(f"H{to_x:g}")
            else:
                bend = round((x + to_x) / 2)
                parts.append(f"C{bend:g} {y:g} {bend:g} {to_y:g} {to_x:g} {to_y:g}")
            x, y = to_x, to_y
        return "".join(parts)


def route_edges(
    placed: Sequence[Node],
    pairs: Sequence[tuple[int, int]],
    boxes: dict[str, Box],
    graph: Proper,
    rows: Sequence[float],
    strips: Sequence[tuple[float, float]],
) -> list[Route]:
    """One route for each pair (numbers of nodes: from, to)."""
    routes = []
    for source, target in pairs:
        begin, end = boxes[placed[source].id], boxes[placed[target].id]
        if source == target:
            points = _loop(begin)
        elif begin.layer < end.layer:
            points = _line(begin, end, graph.tracks[source, False], rows, strips)
        else:
            points = _line(end, begin, graph.tracks[target, True], rows, strips)[::-1]
        routes.append(Route(begin.id, end.id, tuple(points)))
    return routes


def _line(
    left: Box, right: Box, track: Sequence[int], rows: Sequence[float], strips: Sequence[tuple[float, float]]
) -> list[Point]:
    """From the right side of `left` along its track to the left side of `right`."""
    start = round(left.y + left.height / 2, 1)
    points = [(left.x + left.width, start)]
    if left.x + left.width < strips[left.layer][1]:
        points.append((strips[left.layer][1], start))
    for layer, dummy in zip(range(left.layer + 1, right.layer), track, strict=False):
        points += [(x, rows[dummy]) for x in strips[layer]]
    points.append((right.x, round(right.y + right.height / 2, 1)))
    return points


def _loop(box: Box) -> list[Point]:
    right = box.x + box.width
    return [(right, round(box.y + box.height / 3, 1)), (right, round(box.y + box.height * 2 / 3, 1))]
