"""All that feeds a table, with the distance, against recursive SQL that gives the same while there is no cycle."""

from __future__ import annotations

import psycopg

from bench.report import Row, compared, seconds

TABLES = (2_000, 20_000)
EDGES = 3
GOAL = 1.5
_LIMIT = """
    WITH RECURSIVE upstream (name, level) AS (
        SELECT d.upstream_table, 1 FROM dwh_lineage.table_dependencies AS d WHERE d.downstream_table = %(table)s
        UNION
        SELECT d.upstream_table, u.level + 1
        FROM upstream AS u JOIN dwh_lineage.table_dependencies AS d ON d.downstream_table = u.name
    )
    SELECT min(u.level), u.name FROM upstream AS u GROUP BY u.name
"""
_OURS = "SELECT u.level, u.table_name FROM dwh_lineage.get_upstream(%(table)s) AS u"
_GRAPH = """
    INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table)
    SELECT DISTINCT 'bench.t' || floor(random() * g)::int, 'bench.t' || g
    FROM generate_series(1, %(tables)s - 1) AS g, generate_series(1, %(edges)s)
"""


def run(connection_url: str, tries: int = 5) -> list[Row]:
    """Graphs in which each table is fed by three that were there before it; they are rolled back."""
    with psycopg.connect(connection_url) as connection:
        return [_measure(connection, tables, tries) for tables in TABLES]


def _measure(connection: psycopg.Connection[tuple[object, ...]], tables: int, tries: int) -> Row:
    connection.execute("SELECT setseed(0.5)")
    connection.execute(_GRAPH, {"tables": tables, "edges": EDGES})
    connection.execute("ANALYZE dwh_lineage.table_dependencies")
    asked = {"table": f"bench.t{tables - 1}"}
    found = sorted(connection.execute(_LIMIT, asked).fetchall())
    if found != sorted(connection.execute(_OURS, asked).fetchall()):
        raise SystemExit("get_upstream does not find what recursive SQL finds.")
    pairs = [
        (
            seconds(lambda: connection.execute(_LIMIT, asked).fetchall()),
            seconds(lambda: connection.execute(_OURS, asked).fetchall()),
        )
        for _ in range(tries)
    ]
    connection.rollback()
    note = f"{len(found):,} found; limit: recursive SQL; median of {tries}"
    return compared(f"Upstream of a table among {tables:,}, with levels", pairs, GOAL, note)
