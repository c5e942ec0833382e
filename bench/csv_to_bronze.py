"""CSV → bronze against raw COPY of the same file into a plain table, on the same server, in one run.

Ours includes all that an ingestion does: checksum, batch, header by name, quotes looked at, ledger and lineage. Needs a
migrated database whose user owns the warehouse; what it makes there it takes away again.
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from bench.report import Row, seconds
from medallion.ingestion.ingest import ingest_file
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import CsvFiles

Connection = psycopg.Connection[TupleRow]

COLUMNS = ("id", "email", "name", "status", "created_date", "updated_date", "op")
TABLE, ROWS = sql.Identifier("bronze", "bench_csv"), sql.Identifier("bronze", "bench_csv_rows")
PLAIN = sql.Identifier("dwh_staging", "bench_csv_plain")


class BenchFiles(CsvFiles):
    """Generated customers."""

    path = "*.csv"


SPEC = BronzeSpec("bronze.bench_csv", "bronze.bench_csv_rows", BenchFiles, tuple(BronzeColumn(c) for c in COLUMNS))


def run(connection_url: str, sizes: tuple[int, ...] = (100_000, 1_000_000), tries: int = 5) -> list[Row]:
    """Measure each size; `connection_url` is a libpq URL or connection string. Takes half a minute."""
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(connection_url, autocommit=True) as connection:
        return [_measure(connection, Path(folder), size, tries) for size in sizes]


def _measure(connection: Connection, folder: Path, size: int, tries: int) -> Row:
    _generate(folder / "bench.csv", size)
    limits, ours = [], []
    for _ in range(tries):
        # One after the other, each time in new tables: what the machine does meanwhile slows both alike.
        with _tables(connection):
            limits.append(seconds(lambda: _raw_copy(connection, folder / "bench.csv")))
            ours.append(seconds(lambda: ingest_file(connection, SPEC, Path("bench.csv"), root=folder)))
    ratio = statistics.median(mine / limit for mine, limit in zip(ours, limits, strict=True))
    note = f"{len(COLUMNS)} columns, {(folder / 'bench.csv').stat().st_size / 1e6:.0f} MB, median of {tries}"
    return Row(f"CSV → bronze, {size:,} rows", statistics.median(limits), statistics.median(ours), ratio, note)


def _generate(path: Path, size: int) -> None:
    """The same file every time: ids, names, dates, some empty cells, one name of fifty in quotes."""
    rng = random.Random(20260101)  # noqa: S311 (no secret)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for n in range(size):
            name = f'"Doe, ""{n}"""' if n % 50 == 0 else f"Customer {n}"
            identity = f"{rng.getrandbits(128):032x}"
            day = f"2025-{n % 12 + 1:02}-{n % 28 + 1:02}"
            file.write(
                f"{identity},user{n}@example.com,{name},active,{day},{day} 10:{n % 60:02}:00,{'U' * (n % 3 == 0)}\n"
            )


def _raw_copy(connection: Connection, path: Path) -> None:
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv, HEADER)").format(PLAIN)
    descriptor = os.open(path, os.O_RDONLY)
    with (
        os.fdopen(descriptor, "rb", buffering=0) as file,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        while block := file.read(512 * 1024):
            copy.write(block)


@contextmanager
def _tables(connection: Connection) -> Iterator[None]:
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in COLUMNS)
    _drop(connection)
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(PLAIN, columns))
    connection.execute(
        sql.SQL(
            "CREATE TABLE {} (_bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,"
            " _ingested_at timestamptz NOT NULL DEFAULT now(),"
            " _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint, {}, _extra jsonb)"
            " PARTITION BY RANGE (_ingested_at)"
        ).format(ROWS, columns)
    )
    connection.execute(
        "INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation)"
        " VALUES (%s, 'bronze', 'bronze', 'bench', %s)",
        (SPEC.target, SPEC.rows_relation),
    )
    connection.execute("CALL dwh_etl.guard_bronze(%s::regclass, %s)", (SPEC.rows_relation, SPEC.target))
    connection.execute("CALL dwh_etl.ensure_bronze_partitions(%s)", (SPEC.target,))
    try:
        yield
    finally:
        _drop(connection)


def _drop(connection: Connection) -> None:
    for table in (PLAIN, ROWS):
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))
    for statement in (
        "DELETE FROM dwh_lineage.table_lineage WHERE target_table = %s",
        "DELETE FROM dwh_lineage.batches WHERE target = %s",
        "DELETE FROM dwh_lineage.targets WHERE target = %s",
    ):
        connection.execute(statement, (SPEC.target,))
