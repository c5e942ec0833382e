"""The way of one column: what it is made of, back to the sources, and what would change if it did."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

#: In place of a column: which rows a table has.
ROWS = "*"
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ColumnEdge:
    """A column (`source`) that is in another (`target`; DIRECT), or that decides on it (INDIRECT, by its roles)."""

    source: Place
    target: Place
    kind: str
    roles: str
    expression: str
    origins: list[str]


@dataclass(frozen=True, slots=True)
class Reached:
    """A column on the way: how many steps away it is, and the edge by which it was reached first."""

    step: int
    place: Place
    by: ColumnEdge


@dataclass(frozen=True, slots=True)
class Path:
    """All columns and edges before and behind one column."""

    place: Place
    upstream: list[Reached]
    downstream: list[Reached]
    edges: list[ColumnEdge]


def read_path(table: str, column: str) -> Path:
    """What a column is made of and what is made of it, as far as it goes. Two queries, which lock nothing.

    What only decides which rows there are is no part of a column; the way forward ends there, and in the tables whose
    rows depend on those rows.
    """
    start = (table, column)
    before, after = _read(_UPSTREAM, start), _read(_DOWNSTREAM, start)
    upstream = _by_distance(start, before, lambda edge: (edge.target, edge.source))
    downstream = _by_distance(start, after, lambda edge: (edge.source, edge.target))
    return Path(start, upstream, downstream, [*before, *after])


def impact_rows(path: Path) -> list[tuple[str, ...]]:
    """What would change if the column did, as rows of a file below a header."""
    rows: list[tuple[str, ...]] = [("step", "table", "column", "how", "through", "expression")]
    for one in path.downstream:
        table, column = one.place
        how = "value" if one.by.kind == "DIRECT" else one.by.roles or "condition"
        shown = "which rows" if column == ROWS else column
        rows.append((str(one.step), table, shown, how, ".".join(one.by.source), one.by.expression))
    return rows


def _read(query: str, start: Place) -> list[ColumnEdge]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"table": start[0], "column": start[1]})
        return [_edge(*row) for row in cursor.fetchall()]


def _edge(
    st: str, sc: str, tt: str, tc: str, kind: str, roles: str | None, expression: str, origins: Any
) -> ColumnEdge:
    if sc == ROWS:
        return ColumnEdge((st, sc), (tt, tc), kind, "its rows", "", origins)
    return ColumnEdge((st, sc), (tt, tc), kind, roles or "", expression, origins)


def _by_distance(
    start: Place, edges: Iterable[ColumnEdge], ends: Callable[[ColumnEdge], tuple[Place, Place]]
) -> list[Reached]:
    """What is reached, the nearest first. A value is a closer tie than a condition."""
    ways: dict[Place, list[tuple[Place, ColumnEdge]]] = {}
    for edge in sorted(edges, key=lambda edge: (edge.kind, edge.target, edge.source)):
        near, far = ends(edge)
        ways.setdefault(near, []).append((far, edge))
    found: dict[Place, Reached] = {}
    waiting = deque([(start, 0)])
    while waiting:
        place, step = waiting.popleft()
        for far, edge in ways.get(place, ()):
            if far != start and far not in found:
                found[far] = Reached(step + 1, far, edge)
                waiting.append((far, step + 1))
    return list(found.values())


# Declared and read from the code: each edge once.
_UPSTREAM = """
    WITH RECURSIVE reached (t, c) AS (
        SELECT %(table)s::text, %(column)s::text
        UNION
        SELECT l.source_table, l.source_column
        FROM reached AS r
        JOIN dwh_lineage.column_lineage AS l ON l.target_table = r.t AND l.target_column = r.c
        WHERE l.lineage_id IS NULL AND l.source_table NOT LIKE 'dwh\\_%%'
    )
    SELECT l.source_table, l.source_column, l.target_table, l.target_column, l.kind,
        string_agg(DISTINCT nullif(l.role, 'value'), ', '),
        coalesce(min(l.transformation) FILTER (WHERE l.origin = 'declared'), min(l.transformation), ''),
        array_agg(DISTINCT l.origin)
    FROM reached AS r
    JOIN dwh_lineage.column_lineage AS l ON l.target_table = r.t AND l.target_column = r.c
    WHERE l.lineage_id IS NULL AND l.source_table NOT LIKE 'dwh\\_%%'
    GROUP BY 1, 2, 3, 4, 5
"""

# Where the rows of a table change ('*'), so do the rows of the tables that are made of it.
_DOWNSTREAM = """
    WITH RECURSIVE reached (t, c) AS (
        SELECT %(table)s::text, %(column)s::text
        UNION
        SELECT l.target_table, CASE WHEN r.c = '*' THEN '*' ELSE l.target_column END
        FROM reached AS r
        JOIN dwh_lineage.column_lineage AS l ON l.source_table = r.t AND (l.source_column = r.c OR r.c = '*')
        WHERE l.lineage_id IS NULL AND l.target_table NOT LIKE 'dwh\\_%%'
    )
    SELECT l.source_table, CASE WHEN r.c = '*' THEN '*' ELSE l.source_column END,
        l.target_table, CASE WHEN r.c = '*' THEN '*' ELSE l.target_column END,
        CASE WHEN r.c = '*' THEN 'INDIRECT' ELSE l.kind END,
        string_agg(DISTINCT nullif(l.role, 'value'), ', '),
        coalesce(min(l.transformation) FILTER (WHERE l.origin = 'declared'), min(l.transformation), ''),
        array_agg(DISTINCT l.origin)
    FROM reached AS r
    JOIN dwh_lineage.column_lineage AS l ON l.source_table = r.t AND (l.source_column = r.c OR r.c = '*')
    WHERE l.lineage_id IS NULL AND l.target_table NOT LIKE 'dwh\\_%%'
    GROUP BY 1, 2, 3, 4, 5
"""
