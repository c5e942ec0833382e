"""The order of the vertices within each layer, such that few edges cross."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from lineage.layout.proper import Proper

MAX_SWEEPS = 24
PATIENCE = 3  # sweeps without fewer crossings before giving up
SWAP_BUDGET = 60_000  # neighbouring pairs that are tried in all, so that large graphs do not take minutes


def order_layers(graph: Proper) -> None:
    """Reorder `graph.layers` in place: sweeps of barycentres to and fro, then exchanges of neighbours."""
    graph.layers = _first_order(graph)
    position = _positions(graph)
    best, fewest, idle = [list(layer) for layer in graph.layers], crossings(graph, position), 0
    for sweep in range(_sweeps(graph)):
        if fewest == 0 or idle > PATIENCE:
            break
        _sweep(graph, position, downwards=sweep % 2 == 0, last_first=sweep % 4 > 1)
        found = crossings(graph, position)
        idle += 1
        if found < fewest:
            best, fewest, idle = [list(layer) for layer in graph.layers], found, 0
    graph.layers = best
    if fewest:
        _exchange_neighbours(graph, _positions(graph))


def _sweeps(graph: Proper) -> int:
    return MAX_SWEEPS if graph.size < 8_000 else MAX_SWEEPS // 3


def _first_order(graph: Proper) -> list[list[int]]:
    """Depth first, so that what hangs together begins together; what hangs on nothing stands last."""
    layers: list[list[int]] = [[] for _ in graph.layers]
    seen = [False] * graph.size
    alone = []
    for start in (vertex for layer in graph.layers for vertex in layer):
        if not graph.up[start] and not graph.down[start]:
            alone.append(start)
            continue
        stack = [start]
        while stack:
            vertex = stack.pop()
            if seen[vertex]:
                continue
            seen[vertex] = True
            layers[graph.layer_of[vertex]].append(vertex)
            stack.extend(reversed([*graph.down[vertex], *graph.up[vertex]]))
    for vertex in alone:
        layers[graph.layer_of[vertex]].append(vertex)
    return layers


def _positions(graph: Proper) -> list[int]:
    position = [0] * graph.size
    for layer in graph.layers:
        for place, vertex in enumerate(layer):
            position[vertex] = place
    return position


def _sweep(graph: Proper, position: list[int], *, downwards: bool, last_first: bool) -> None:
    """Put each vertex at the mean place of its neighbours in the layer before (or after). One that has none keeps its
    place. `last_first` turns ties round, which frees orders that are stuck."""
    neighbours = graph.up if downwards else graph.down
    for layer in graph.layers if downwards else reversed(graph.layers):
        keys = {
            vertex: sum([position[other] for other in neighbours[vertex]]) / len(neighbours[vertex])
            for vertex in layer
            if neighbours[vertex]
        }
        if not keys:
            continue
        moving = [vertex for vertex in layer if vertex in keys]
        slots = [position[vertex] for vertex in moving]
        if last_first:
            moving.reverse()
        moving.sort(key=keys.__getitem__)
        for slot, vertex in zip(slots, moving, strict=True):
            layer[slot] = vertex
            position[vertex] = slot


def crossings(graph: Proper, position: list[int]) -> int:
    """How many pairs of edges cross, over all layers."""
    count = 0
    for layer in graph.layers[:-1]:
        ends: list[int] = []
        for vertex in layer:
            fan = sorted([position[below] for below in graph.down[vertex]])
            if ends:
                so_far = len(ends)
                for end in fan:
                    count += so_far - bisect_right(ends, end, 0, so_far)
            if not ends or (fan and fan[0] >= ends[-1]):
                ends.extend(fan)
            else:
                for end in fan:
                    insort(ends, end)
    return count


def _exchange_neighbours(graph: Proper, position: list[int]) -> None:
    """Exchange neighbours wherever that saves crossings, until nothing is saved or the budget is spent."""
    budget, saved = SWAP_BUDGET, True
    while saved and budget > 0:
        saved = False
        for layer in graph.layers:
            budget -= len(layer)
            for place in range(len(layer) - 1):
                upper, lower = layer[place], layer[place + 1]
                gain = _gain(graph.up, position, upper, lower) + _gain(graph.down, position, upper, lower)
                if gain > 0:
                    layer[place], layer[place + 1] = lower, upper
                    position[lower], position[upper] = place, place + 1
                    saved = True
            if budget <= 0:
                break


def _gain(neighbours: list[list[int]], position: list[int], upper: int, lower: int) -> int:
    """How many crossings fewer `lower` over `upper` has than `upper` over `lower`, on one side."""
    mine, other = neighbours[upper], neighbours[lower]
    if not mine or not other:
        return 0
    if len(mine) == 1 and len(other) == 1:
        here, there = position[mine[0]], position[other[0]]
        return (here > there) - (here < there)
    ends = sorted([position[vertex] for vertex in other])
    gain = 0
    for vertex in mine:
        place = position[vertex]
        gain += bisect_left(ends, place) - (len(ends) - bisect_right(ends, place))
    return gain
