"""What tests read of bronze tables."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from medallion.ingestion.spec import BronzeSpec

Connection = psycopg.Connection[TupleRow]


def rows_of(connection: Connection, spec: BronzeSpec, batch_no: int | None = None) -> list[TupleRow]:
    """The cells of a table, or of one batch of it, in the order of the file."""
    query = sql.SQL("SELECT {} FROM {} WHERE %(batch)s::bigint IS NULL OR _batch_no = %(batch)s ORDER BY _bronze_id")
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in spec.columns)
    relation = sql.Identifier(*spec.rows_relation.split("."))
    return connection.execute(query.format(names, relation), {"batch": batch_no}).fetchall()


def bad_lines_of(connection: Connection, batch_no: int) -> list[TupleRow]:
    """(record_no, line_no, raw, reason) of the lines that are not CSV."""
    return connection.execute(
        "SELECT record_no, line_no, raw, reason FROM dwh_lineage.unreadable_lines WHERE batch_no = %s ORDER BY 1",
        (batch_no,),
    ).fetchall()
