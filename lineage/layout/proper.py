"""The layered graph whose edges lead from each layer to the next one only."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.layout.layering import Oriented


@dataclass(slots=True)
class Proper:
    """Vertices are numbers: first the nodes, then the dummies at which long edges pass a layer.

    All long edges that leave a node to the right share their dummies, as tracks that leave a station share a line until
    they part: fewer lines to follow, and fewer points to place.
    """

    nodes: int
    layer_of: list[int]
    layers: list[list[int]]  # each from top to bottom
    up: list[list[int]]  # neighbours in the layer before
    down: list[list[int]]  # neighbours in the layer after
    tracks: dict[tuple[int, bool], list[int]]  # dummies of (left end, flipped), from left to right

    @property
    def size(self) -> int:
        return len(self.layer_of)


def make_proper(node_layers: list[int], edges: list[Oriented]) -> Proper:
    """Lay a dummy into each layer that an edge passes."""
    layer_of = list(node_layers)
    reach: dict[tuple[int, bool], int] = {}
    for left, right, flipped in edges:
        reach[left, flipped] = max(reach.get((left, flipped), 0), layer_of[right])
    tracks: dict[tuple[int, bool], list[int]] = {}
    links: set[tuple[int, int]] = set()
    for (left, flipped), end in reach.items():
        track = list(range(len(layer_of), len(layer_of) + end - layer_of[left] - 1))
        layer_of.extend(range(layer_of[left] + 1, end))
        tracks[left, flipped] = track
        links.update(zip([left, *track], track, strict=False))
    for left, right, flipped in edges:
        passed = layer_of[right] - layer_of[left] - 1
        links.add((tracks[left, flipped][passed - 1] if passed else left, right))
    return _assemble(len(node_layers), layer_of, links, tracks)


def _assemble(
    nodes: int, layer_of: list[int], links: set[tuple[int, int]], tracks: dict[tuple[int, bool], list[int]]
) -> Proper:
    up: list[list[int]] = [[] for _ in layer_of]
    down: list[list[int]] = [[] for _ in layer_of]
    for above, below in sorted(links):
        down[above].append(below)
        up[below].append(above)
    layers: list[list[int]] = [[] for _ in range(max(layer_of) + 1)]
    for vertex, layer in enumerate(layer_of):
        layers[layer].append(vertex)
    return Proper(nodes, layer_of, layers, up, down, tracks)
