"""What is known of the code of a table, for commands, pages and JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lineage.code.cursor import Cursor


@dataclass(frozen=True, slots=True)
class ColumnEdge:
    """A source of a column: DIRECT, or INDIRECT with its role. origins: declared, parsed."""

    column: str
    kind: str
    role: str
    source: str
    expression: str
    origins: list[str]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a routine or view, with how much of it was understood and how many loads ran it."""

    name: str
    kind: str
    sql_hash: str
    first_seen_at: Any
    is_current: bool
    statements: int | None
    understood: int | None
    gaps: list[dict[str, str]]
    loads: int

    @property
    def coverage(self) -> float | None:
        """The part of its statements that was understood, in percent; None where it was never read."""
        if self.statements is None or self.understood is None:
            return None
        return 100 * self.understood / self.statements if self.statements else 100.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of all current code was understood."""

    codes: int
    statements: int
    understood: int


def read_column_edges(cursor: Cursor, target: str) -> list[ColumnEdge]:
    """The sources of a table's columns, each once, whoever says it."""
    cursor.execute(_EDGES, (target,))
    return [ColumnEdge(*row) for row in cursor.fetchall()]


def read_versions(cursor: Cursor, target: str) -> list[Version]:
    """The code that writes a table, and that of its name: current versions first."""
    cursor.execute(_VERSIONS, {"target": target})
    return [
        Version(name, kind, h, seen, current, statements, understood, _decoded(gaps), loads)
        for name, kind, h, seen, current, statements, understood, gaps, loads in cursor.fetchall()
    ]


def read_coverage(cursor: Cursor) -> Coverage:
    """How much of what is installed was understood."""
    cursor.execute(
        "SELECT count(*), coalesce(sum(statements), 0), coalesce(sum(understood), 0)"
        " FROM dwh_lineage.code_versions WHERE is_current"
    )
    ((codes, statements, understood),) = cursor.fetchall()
    return Coverage(codes, statements, understood)


def read_gaps(cursor: Cursor) -> list[tuple[str, str, str]]:
    """(routine, statement, reason) of all that was not understood."""
    cursor.execute(
        "SELECT v.name, g.value ->> 'statement', g.value ->> 'reason'"
        " FROM dwh_lineage.code_versions AS v CROSS JOIN LATERAL jsonb_array_elements(v.gaps) AS g"
        " WHERE v.is_current ORDER BY 1, 2, 3"
    )
    return [(name, statement, reason) for name, statement, reason in cursor.fetchall()]


def _decoded(value: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(value) if isinstance(value, str) else value
    return found


_EDGES = """
    SELECT
        l.target_column, l.kind, string_agg(DISTINCT nullif(l.role, 'value'), ', ' ORDER BY nullif(l.role, 'value')),
        l.source_table || '.' || l.source_column, coalesce(min(l.transformation), ''),
        array_agg(DISTINCT l.origin ORDER BY l.origin)
    FROM dwh_lineage.column_lineage AS l
    WHERE l.target_table = %s AND l.lineage_id IS NULL AND l.source_table NOT LIKE 'dwh\\_%%'
    GROUP BY l.target_column, l.kind, l.source_table, l.source_column
    ORDER BY l.target_column = '*', l.target_column, l.kind, 4
"""

_VERSIONS = """
    SELECT
        v.name, v.kind, v.sql_hash, v.first_seen_at, v.is_current, v.statements, v.understood, v.gaps::text,
        (
            SELECT count(DISTINCT l.batch_no) FROM dwh_lineage.table_lineage AS l
            WHERE l.target_table = %(target)s AND l.sql_hash = v.sql_hash
        )
    FROM dwh_lineage.code_versions AS v
    WHERE %(target)s = ANY (v.writes) OR v.name = %(target)s OR v.name IN (
        SELECT unnest(ARRAY[t.load_routine, t.rebuild_routine, t.replay_routine, t.outcomes_routine])
        FROM dwh_lineage.targets AS t WHERE t.target = %(target)s
    )
    ORDER BY v.is_current DESC, v.name, v.first_seen_at DESC
"""
