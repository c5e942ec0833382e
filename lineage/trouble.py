"""Trouble upstream: a table whose inputs have some is not to be trusted blindly, however well its own load went."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lineage.facts import TableFacts


class Trouble(NamedTuple):
    """Where it is, and what it is, in words."""

    table: str
    what: str


def nearest_trouble(facts: Mapping[str, TableFacts], edges: Iterable[tuple[str, str]]) -> dict[str, Trouble]:
    """For each table behind which another has trouble, the nearest of those; of equally near ones the first by name.

    Each edge is walked once or twice, so it costs as much as the edges are many; cycles end where they meet themselves.
    """
    feeds: dict[str, list[str]] = {}
    for upstream, downstream in sorted(edges):
        feeds.setdefault(upstream, []).append(downstream)
    found: dict[str, Trouble] = {}
    # A table with trouble of its own still learns of another's, but hands on its own: that is nearer to what it feeds.
    ill = {name: Trouble(name, what) for name, row in sorted(facts.items()) if (what := row.trouble)}
    waiting = deque((name, trouble) for name, trouble in ill.items())
    while waiting:
        name, trouble = waiting.popleft()
        for following in feeds.get(name, ()):
            if following in found or following == trouble.table:
                continue
            found[following] = trouble
            if following not in ill:
                waiting.append((following, trouble))
    return found
