"""CSV → bronze against raw COPY of the same file into a plain table, on the same server, in one run.

Ours includes all that an ingestion does: checksum, batch, header by name, quotes looked at, guards, ledger and lineage;
"whole" is all between asking for it and its committed outcome: by a worker that runs already (bench/warm.py), or by a
process that is started for it, which adds the start of Python and Django.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from bench import warm
from bench.report import Row, compared, seconds
from bench.warehouse import BenchRawCustomers, Crm, install, remove
from medallion.ingestion.ingest import ingest_file
from medallion.ingestion.spec import BronzeColumn, BronzeSpec

Connection = psycopg.Connection[TupleRow]

COLUMNS = ("id", "email", "name", "status", "created_date", "updated_date", "op")
#: Rows → the ratios to reach: of the work, of the whole process.
SIZES = {100_000: (1.5, 2.0), 1_000_000: (1.3, 1.6)}
PLAIN = sql.Identifier("dwh_staging", "bench_csv_plain")
SPEC = BronzeSpec(
    BenchRawCustomers.target, f"{BenchRawCustomers.target}_rows", Crm, tuple(BronzeColumn(c) for c in COLUMNS)
)


def run(connection_url: str, tries: int = 5) -> list[Row]:
    """Measure each size; `connection_url` is a libpq URL or connection string. Takes half a minute."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(connection_url, autocommit=True) as connection:
        for size, (work, whole) in SIZES.items():
            path = Path(folder, f"{size}.csv")
            _generate(path, size)
            with warm.worker(Path(folder)):
                _warm_up(connection, path)
                tried = [_try(connection, path) for _ in range(tries)]
            name, note = f"CSV → bronze, {size:,} rows", f"{len(COLUMNS)} columns, {path.stat().st_size / 1e6:.0f} MB"
            for way, goal, said in (
                ("work", work, note),
                ("warm worker", whole, "whole: message, look for files, ingestion, outcome"),
                ("new process", None, "whole, with the start of Python and Django"),
            ):
                pairs = [(one["limit"], one[way]) for one in tried]
                rows.append(compared(name if way == "work" else f"{name}, {way}", pairs, goal, said))
            path.unlink()
    return rows


def _try(connection: Connection, path: Path) -> dict[str, float]:
    """Raw COPY, and each way to ingest, each time in new tables, one right after the other: what the machine does
    meanwhile slows all alike."""
    columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in COLUMNS)
    ways: dict[str, Callable[[], object]] = {
        "work": lambda: ingest_file(connection, SPEC, path, root=path.parent),
        "warm worker": lambda: warm.pick_up(connection, path.name),
        "new process": lambda: subprocess.run([sys.executable, "-m", "bench.process", "ingest", path], check=True),
    }
    try:
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(PLAIN, columns))
        took = {"limit": seconds(lambda: _raw_copy(connection, path))}
        for name, way in ways.items():
            install(connection, BenchRawCustomers)
            took[name] = seconds(way)
            remove(connection)
    finally:
        remove(connection)
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(PLAIN))
    return took


def _warm_up(connection: Connection, path: Path) -> None:
    """The worker's first file, not measured. A file is left alone until nobody has written it for 10 seconds, so this
    one claims to be older."""
    past = path.stat().st_mtime - 3600
    os.utime(path, (past, past))
    try:
        install(connection, BenchRawCustomers)
        warm.pick_up(connection, path.name)
    finally:
        remove(connection)


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
