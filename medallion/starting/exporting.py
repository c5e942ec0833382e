"""A table of a PostgreSQL database as a file that a source can read."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from medallion.ingestion.errors import FileMissingError


def export(connection: psycopg.Connection[Any], table: str, folder: Path) -> tuple[Path, list[str]]:
    """Writes a table into a CSV file of `folder`; returns it, and the columns of its primary key.

    table: `schema.table` of the database at hand, or `postgresql://…#schema.table` of another.
    """
    url, _, name = table.rpartition("#")
    schema, _, relation = name.rpartition(".")
    other = psycopg.connect(url, autocommit=True) if url else nullcontext(connection)
    with other as source:
        found = source.execute("SELECT to_regclass(%s)", (f'"{schema or "public"}"."{relation}"',)).fetchone()
        if found is None or found[0] is None:
            raise FileMissingError(f"There is no table {name}. Write it with its schema: public.customers.")
        key = source.execute(
            "SELECT a.attname FROM pg_index AS i CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS k (no, place) "
            "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.no "
            "WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY k.place",
            (f'"{schema or "public"}"."{relation}"',),
        ).fetchall()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{relation}.csv"
        copy = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER)").format(
            sql.Identifier(schema or "public", relation)
        )
        with path.open("wb") as file, source.cursor() as cursor, cursor.copy(copy) as stream:
            for block in stream:
                file.write(block)
    return path.resolve(), [column for (column,) in key]
