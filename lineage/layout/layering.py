"""Which way each edge is drawn, and which layer each node stands in."""

from __future__ import annotations

from typing import NamedTuple


class Oriented(NamedTuple):
    """An edge as the layers see it, from left to right; `flipped`: it really points to the left."""

    left: int
    right: int
    flipped: bool


def orient(groups: list[int], pairs: list[tuple[int, int]]) -> list[Oriented]:
    """Orient the edges so that none leads to a lower group, and none closes a cycle. No self loops here."""
    inside: list[list[int]] = [[] for _ in groups]
    has_source = [False] * len(groups)
    for source, target in pairs:
        if groups[source] == groups[target]:
            inside[source].append(target)
            has_source[target] = True
    closing = _closing_edges(inside, has_source)
    edges = []
    for source, target in pairs:
        flipped = groups[source] > groups[target] or (source, target) in closing
        edges.append(Oriented(target, source, True) if flipped else Oriented(source, target, False))
    return edges


def _closing_edges(successors: list[list[int]], has_source: list[bool]) -> set[tuple[int, int]]:
    """The edges that lead back to a node of the path that a depth-first walk is on: without them no cycle is left."""
    closing: set[tuple[int, int]] = set()
    new, on_path, done = 0, 1, 2
    state = [new] * len(successors)
    # Walks that begin where nothing comes in turn back as few edges as the shape allows.
    for start in sorted(range(len(successors)), key=lambda node: (has_source[node], node)):
        if state[start] != new:
            continue
        state[start] = on_path
        stack = [(start, iter(successors[start]))]
        while stack:
            node, rest = stack[-1]
            for following in rest:
                if state[following] == on_path:
                    closing.add((node, following))
                elif state[following] == new:
                    state[following] = on_path
                    stack.append((following, iter(successors[following])))
                    break
            else:
                state[node] = done
                stack.pop()
    return closing


def assign_layers(groups: list[int], edges: list[Oriented]) -> list[int]:
    """The layer of each node, from 0: every edge leads to a higher one, and each group's layers lie together."""
    after: list[list[int]] = [[] for _ in groups]
    incoming, outgoing, waiting = [0] * len(groups), [0] * len(groups), [0] * len(groups)
    for left, right, _ in edges:
        outgoing[left] += 1
        incoming[right] += 1
        if groups[left] == groups[right]:
            after[left].append(right)
            waiting[right] += 1
    rank = [0] * len(groups)
    queue = [node for node, count in enumerate(waiting) if count == 0]
    for node in queue:  # grows while it is read: a topological order
        for following in after[node]:
            rank[following] = max(rank[following], rank[node] + 1)
            waiting[following] -= 1
            if waiting[following] == 0:
                queue.append(following)
    depth: dict[int, int] = {}
    for node, group in enumerate(groups):
        depth[group] = max(depth.get(group, 0), rank[node] + 1)
    for node in reversed(queue):
        # A node that feeds more than feeds it stands close to what it feeds: its edges get shorter in sum.
        if outgoing[node] > incoming[node]:
            rank[node] = min((rank[following] for following in after[node]), default=depth[groups[node]]) - 1
    offset, start = {}, 0
    for group in sorted(depth):
        offset[group] = start
        start += depth[group]
    return [offset[group] + rank[node] for node, group in enumerate(groups)]
