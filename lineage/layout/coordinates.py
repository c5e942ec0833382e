"""The row of each vertex: Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2002).

Four drawings, each pushed to one corner, are made and averaged. Each aligns a vertex with the median of its neighbours
into blocks that share one row, so that long edges run straight. The rows of the blocks are found by longest paths over
the graph of blocks, which also keeps clear of the error in the paper's own compaction (erratum of 2020).
"""

from __future__ import annotations

from itertools import pairwise

from lineage.layout.proper import Proper


def assign_rows(graph: Proper, heights: list[float], gaps: list[float]) -> list[float]:
    """The middle of each vertex. Two neighbours in a layer keep half their heights and the smaller gap apart."""
    conflicts = _conflicts(graph)
    drawings: list[list[float]] = []
    for downwards in (True, False):
        for mirrored in (False, True):
            layers = graph.layers if downwards else graph.layers[::-1]
            if mirrored:
                layers = [layer[::-1] for layer in layers]
            root = _align(layers, graph.up if downwards else graph.down, conflicts)
            rows = _compact(layers, root, heights, gaps)
            drawings.append([-row for row in rows] if mirrored else rows)
    return _balance(drawings, heights)


def _conflicts(graph: Proper) -> set[tuple[int, int]]:
    """Edges that cross the inside of a long one. They give way, so that the long one stays straight."""
    conflicts: set[tuple[int, int]] = set()
    position = {vertex: place for layer in graph.layers for place, vertex in enumerate(layer)}
    for above, layer in zip(graph.layers, graph.layers[1:], strict=False):
        scanned, left = 0, 0
        for place, vertex in enumerate(layer):
            inner = graph.up[vertex][0] if vertex >= graph.nodes and graph.up[vertex][0] >= graph.nodes else None
            if inner is None and place < len(layer) - 1:
                continue
            right = position[inner] if inner is not None else len(above)
            for other in layer[scanned : place + 1]:
                conflicts.update(
                    (source, other)
                    for source in graph.up[other]
                    if not left <= position[source] <= right and not (source >= graph.nodes and other >= graph.nodes)
                )
            scanned, left = place + 1, right
    return conflicts


def _align(layers: list[list[int]], neighbours: list[list[int]], conflicts: set[tuple[int, int]]) -> list[int]:
    """The root of the block of each vertex: vertices of one block share a row."""
    size = len(neighbours)
    position = [0] * size
    for layer in layers:
        for place, vertex in enumerate(layer):
            position[vertex] = place
    root, taken = list(range(size)), [False] * size
    for layer in layers:
        last = -1
        for vertex in layer:
            ends = sorted(neighbours[vertex], key=position.__getitem__)
            if not ends:
                continue
            middle = len(ends) // 2
            for end in ends[middle - (len(ends) % 2 == 0) : middle + 1]:
                free = last < position[end] and not taken[end]
                if free and (end, vertex) not in conflicts and (vertex, end) not in conflicts:
                    taken[end], root[vertex], last = True, root[end], position[end]
                    break
    return root


def _compact(layers: list[list[int]], root: list[int], heights: list[float], gaps: list[float]) -> list[float]:
    """The row of each vertex: as near the top as the blocks above allow, then down to the blocks below it."""
    after: list[list[tuple[int, float]]] = [[] for _ in root]
    waiting = [0] * len(root)
    for layer in layers:
        for upper, lower in pairwise(layer):
            apart = (heights[upper] + heights[lower]) / 2 + min(gaps[upper], gaps[lower])
            after[root[upper]].append((root[lower], apart))
            waiting[root[lower]] += 1
    rows = [0.0] * len(root)
    queue = [vertex for vertex, block in enumerate(root) if block == vertex and waiting[vertex] == 0]
    for block in queue:  # grows while it is read: a topological order
        for following, apart in after[block]:
            if rows[block] + apart > rows[following]:
                rows[following] = rows[block] + apart
            waiting[following] -= 1
            if waiting[following] == 0:
                queue.append(following)
    for block in reversed(queue):
        if after[block]:
            rows[block] = max(rows[block], min([rows[following] - apart for following, apart in after[block]]))
    return [rows[block] for block in root]


def _balance(drawings: list[list[float]], heights: list[float]) -> list[float]:
    """The mean of the two middle rows of the four drawings, each moved to where the smallest one lies. Order
    statistics keep distances, so what was apart in all four stays apart."""
    spans = [
        (
            min(row - height / 2 for row, height in zip(rows, heights, strict=True)),
            max(row + height / 2 for row, height in zip(rows, heights, strict=True)),
        )
        for rows in drawings
    ]
    top, bottom = min(spans, key=lambda span: span[1] - span[0])
    moved = []
    for number, (rows, (first, last)) in enumerate(zip(drawings, spans, strict=True)):
        shift = bottom - last if number % 2 else top - first
        moved.append([row + shift for row in rows])
    return [(sum(four) - min(four) - max(four)) / 2 for four in zip(*moved, strict=True)]
