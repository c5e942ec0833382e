"""However large a file is, ingestion takes the same memory: rows are never held, only blocks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection as django_connection

from tests.medallion.conftest import MakeBronze

MIB = 1024 * 1024
# In a process of its own: the peak of this one belongs to other tests too. Prints how far its peak rose, in KiB.
_INGEST = r"""
import re, sys
from pathlib import Path
import django
django.setup()
import psycopg
from medallion.ingestion.ingest import ingest_file
from medallion.ingestion.spec import BronzeColumn, BronzeSpec
from medallion.sources import CsvFiles

target, root, dsn = sys.argv[1:]
Drop = type("Drop", (CsvFiles,), {"path": "*.csv", "max_ratio": 10_000})
spec = BronzeSpec(target, target + "_rows", Drop, (BronzeColumn("id"), BronzeColumn("name"), BronzeColumn("value")))
with psycopg.connect(dsn, autocommit=True) as connection:
    # Not getrusage: its peak is inherited from the parent process.
    peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    ingest_file(connection, spec, Path("small.csv"), root=Path(root))
    before = peak()
    done = ingest_file(connection, spec, Path("large.csv"), root=Path(root))
    print(done.rows, done.unreadable, peak() - before)
"""


def write_large(path: Path, size: int, bad_every: int) -> int:
    """A file of about so many bytes; returns how many records it has. Every so many blocks, a line is no CSV."""
    block = b"".join(b"%d,some name or other %d,%d.25\n" % (n, n, n * 7) for n in range(20_000))
    written = records = 0
    with path.open("wb") as file:
        file.write(b"id,name,value\n")
        while written < size:
            written += file.write(block)
            records += 20_000
            if bad_every and records % (bad_every * 20_000) == 0:
                written += file.write(b"one cell\n")
                records += 1
    return records


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process took")
@pytest.mark.parametrize(("size", "bad_every"), [(300 * MIB, 0), (100 * MIB, 50)])
def test_memory_does_not_grow_with_the_file(make_bronze: MakeBronze, root: Path, size: int, bad_every: int) -> None:
    """As it stands, by COPY; and record by record, because of bad lines."""
    spec = make_bronze("id name value")
    (root / "small.csv").write_text("id,name,value\n1,a,2\n")
    records = write_large(root / "large.csv", size, bad_every)
    parameters = django_connection.get_connection_params()
    dsn = " ".join(
        f"{name}='{parameters[name]}'"
        for name in ("host", "port", "user", "password", "dbname")
        if parameters.get(name)
    )
    result = subprocess.run(
        [sys.executable, "-c", _INGEST, spec.target, str(root), dsn], capture_output=True, text=True, check=True
    )
    rows, unreadable, grown = map(int, result.stdout.split())
    assert rows + unreadable == records
    assert bool(unreadable) == bool(bad_every)
    assert grown < 100 * 1024, f"{grown} KiB"
    print(f"{size // MIB} MiB: {grown} KiB more")
