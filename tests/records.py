"""Exceptions as a person finds them in the files: by file and record number."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

_INGESTED = "SELECT batch_no, source_file FROM dwh_lineage.batches WHERE target = %s AND kind = 'ingest' ORDER BY 1"
_UNREADABLE = "SELECT record_no FROM dwh_lineage.unreadable_lines WHERE batch_no = %s"
_BROKEN = """
    SELECT e.bronze_id, array_agg(b.rule ORDER BY r.position)
    FROM dwh_lineage.quality_exceptions AS e
    JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = e.id
    JOIN dwh_lineage.quality_rules AS r ON r.target = e.target_table AND r.rule = b.rule AND r.active
    WHERE e.target_table = %s
    GROUP BY e.id
"""

Place = tuple[str, int]


def places(connection: psycopg.Connection[tuple[Any, ...]], bronze: str) -> dict[int, Place]:
    """Bronze id → (file, record number): a row's rank in its batch, with the unreadable lines counted in."""
    found: dict[int, Place] = {}
    rows = sql.SQL("SELECT _bronze_id FROM {} WHERE _batch_no = %s ORDER BY 1").format(
        sql.Identifier(*f"{bronze}_rows".split("."))
    )
    for batch_no, file in connection.execute(_INGESTED, (bronze,)).fetchall():
        bad = {row[0] for row in connection.execute(_UNREADABLE, (batch_no,))}
        ids = [row[0] for row in connection.execute(rows, (batch_no,))]
        numbers = (number for number in range(1, len(ids) + len(bad) + 1) if number not in bad)
        found |= {bronze_id: (file, number) for bronze_id, number in zip(ids, numbers, strict=True)}
    return found


def broken_rules(
    connection: psycopg.Connection[tuple[Any, ...]], bronze: str, silver: str
) -> dict[Place, tuple[str, ...]]:
    """(file, record number) → the names of the rules that the record breaks in a silver table."""
    known = places(connection, bronze)
    return {known[bronze_id]: tuple(rules) for bronze_id, rules in connection.execute(_BROKEN, (silver,)).fetchall()}
