"""All that feeds a table, with the distance, against the plainest recursive SQL, which knows no distance."""

from __future__ import annotations

import psycopg

from bench.report import Row, compared, seconds

TABLES = (2_000, 20_000)
EDGES = 3
GOAL = 1.5
_LIMIT = """
    WITH RECURSIVE upstream (name) AS (
        SELECT d.upstream_table FROM dwh_lineage.table_dependencies AS d WHERE d.downstream_table = %(table)s
        UNION
        SELECT d.upstream_table
        FROM upstream AS u JOIN dwh_lineage.table_dependencies AS d ON d.downstream_table = u.name
    )
    SELECT u.name FROM upstream AS u
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
    found = {name for (name,) in connection.execute(_LIMIT, asked).fetchall()}
    ours = {name for _, name in connection.execute(_OURS, asked).fetchall()}
    if found != ours:
        raise SystemExit(f"get_upstream finds {len(ours)} tables where recursive SQL finds {len(found)}.")
    pairs = [
        (
            seconds(lambda: connection.execute(_LIMIT, asked).fetchall()),
            seconds(lambda: connection.execute(_OURS, asked).fetchall()),
        )
        for _ in range(tries)
    ]
    connection.rollback()
    note = f"{len(found):,} found; limit: recursive SQL, without levels; median of {tries}"
    return compared(f"Upstream of a table among {tables:,}, with levels", pairs, GOAL, note)
