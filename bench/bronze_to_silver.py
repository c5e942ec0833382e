"""bronze → silver with history, rules and exceptions, against SQL written by hand for just this table.

The hand-written SQL knows what a load cannot know: that the first load meets an empty table, that all events of an
extract are in order, that no key comes twice. It casts, filters by the same rules, keeps the bad rows, and has the same
indexes; it writes no ledger, no lineage, no issues.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from bench import warm
from bench.report import Row, compared, seconds
from bench.warehouse import TABLES, install, remove

Connection = psycopg.Connection[TupleRow]


def row(status: str = "CASE WHEN n % 3 = 0 THEN 'Inactive' ELSE 'active' END") -> str:
    """One row: customer n as of version v; one of a hundred has a bad e-mail."""
    return f"""
    md5(n::text)::uuid::text,
    CASE WHEN n % 100 = 7 THEN 'nobody' ELSE 'User' || n || '@example' || n % 97 || '.com' END,
    ' Customer ' || n || CASE WHEN v > 0 THEN ' v' || v ELSE '' END,
    {status}, '2024-01-02',
    to_char(timestamp '2024-01-01 08:00' + v * interval '30 days' + n % 20000 * interval '1 minute',
        'YYYY-MM-DD HH24:MI:SS'), 'U'
"""


_ROW = row()
_COLUMNS = "(id, email, name, status, created_date, updated_date, op)"
_GOOD = r"""
    email ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' AND char_length(name) >= 2 AND status IN ('active', 'inactive', 'suspended')
"""
_FIRST = "SELECT n, 0 AS v FROM generate_series(1, {}) AS n"
_HAND_TABLES = """
    CREATE TABLE dwh_staging.hand (
        sk bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY, customer_id uuid NOT NULL, email text,
        name text, status text, created_on date, valid_from timestamptz NOT NULL, valid_to timestamptz,
        is_current boolean NOT NULL,
        source_id bigint NOT NULL, batch_id uuid NOT NULL, loaded_at timestamptz NOT NULL DEFAULT now(),
        CHECK (valid_to > valid_from), CHECK (is_current = (valid_to IS NULL))
    );
    CREATE UNIQUE INDEX ON dwh_staging.hand (customer_id) WHERE is_current;
    CREATE UNIQUE INDEX ON dwh_staging.hand (customer_id, valid_from);
    CREATE TABLE dwh_staging.hand_bad (source_id bigint, raw jsonb)
"""
_HAND_STAGE = """
    CREATE TEMP TABLE stage ON COMMIT DROP AS
    SELECT id::uuid AS customer_id, lower(trim(email)) AS email, trim(name) AS name, lower(trim(status)) AS status,
        created_date::date AS created_on, updated_date::timestamptz AS since, _bronze_id
    FROM bronze.bench_raw_customers_rows WHERE _batch_no = %(batch)s
"""
_HAND_BAD = f"""
    INSERT INTO dwh_staging.hand_bad
    SELECT r._bronze_id, to_jsonb(r) FROM stage AS s
    JOIN bronze.bench_raw_customers_rows AS r ON r._bronze_id = s._bronze_id AND r._batch_no = %(batch)s
    WHERE ({_GOOD.replace("email", "s.email").replace("name", "s.name").replace("status", "s.status")}) IS NOT TRUE
"""
_HAND_CLOSE = f"""
    UPDATE dwh_staging.hand AS h SET valid_to = s.since, is_current = false
    FROM stage AS s WHERE h.customer_id = s.customer_id AND h.is_current AND s.since > h.valid_from
        AND (h.email, h.name, h.status, h.created_on) IS DISTINCT FROM (s.email, s.name, s.status, s.created_on)
        AND {_GOOD.replace("email", "s.email").replace("name", "s.name").replace("status", "s.status")}
"""
_HAND_OPEN = f"""
    INSERT INTO dwh_staging.hand
        (customer_id, email, name, status, created_on, valid_from, is_current, source_id, batch_id)
    SELECT customer_id, email, name, status, created_on, since, true, _bronze_id, gen_random_uuid() FROM stage AS s
    WHERE {_GOOD} AND NOT EXISTS (
        SELECT 1 FROM dwh_staging.hand AS h WHERE h.customer_id = s.customer_id AND h.is_current
    )
"""


def run(connection_url: str, size: int = 1_000_000, tries: int = 1) -> list[Row]:
    """Measures what `_extracts` and `_deltas` say, `tries` times anew; the deltas of a tenth of the rows too."""
    measured: dict[Operation, list[tuple[float, float]]] = {}
    with (
        psycopg.connect(connection_url, autocommit=True) as connection,
        tempfile.TemporaryDirectory() as folder,
        warm.worker(Path(folder)),
    ):
        for _ in range(tries):
            for rows, operations in ((size, [*_extracts(size), *_deltas(size)]), (size // 10, _deltas(size // 10))):
                _start(connection, rows if rows < size else 0)
                for operation in operations:
                    measured.setdefault(operation, []).append(_measure(connection, operation))
        _drop(connection)
    return [compared(operation.name, pairs, operation.goal) for operation, pairs in measured.items() if operation.name]


@dataclass(frozen=True)
class Operation:
    """What arrives, as a query of (n, v), and how it is loaded. goal: the ratio to reach."""

    name: str
    rows: str
    goal: float | None
    way: str = "work"


def _extracts(size: int) -> list[Operation]:
    more = size + size // 100
    return [
        Operation(f"silver SCD2, first {size:,} rows", _FIRST.format(size), 1.3),
        Operation(
            f"silver SCD2, second extract of {more:,}, 1 % changed, 1 % new",
            f"SELECT n, (n % 100 = 3)::int AS v FROM generate_series(1, {more}) AS n",
            1.2,
        ),
    ]


def _deltas(size: int) -> list[Operation]:
    """2 % of the keys changed: the work alone; by a run and a worker that runs already (its first load, which
    opens its connections, is not shown); in a process that is started for it."""
    name = f"silver SCD2, delta of {size // 50:,} on {size:,}"
    changed = f"SELECT n * 50 - 1 AS n, {{}} AS v FROM generate_series(1, {size // 50}) AS n"
    work, whole = (1.3, 1.5) if size >= 1_000_000 else (1.5, 3)
    return [
        Operation(name, changed.format(2), work),
        Operation("", changed.format(3), None, "warm worker"),
        Operation(f"{name}, warm worker", changed.format(4), whole, "warm worker"),
        Operation(f"{name}, new process", changed.format(5), None, "new process"),
    ]


def _start(connection: Connection, size: int) -> None:
    """New tables; with so many rows that are loaded already."""
    _drop(connection)
    install(connection, *TABLES)
    connection.execute(_HAND_TABLES)
    if size:
        _measure(connection, Operation("", _FIRST.format(size), 0))


def _measure(connection: Connection, operation: Operation) -> tuple[float, float]:
    batch = arrive(connection, operation.rows)
    connection.execute("VACUUM ANALYZE bronze.bench_raw_customers_rows")
    limit = seconds(lambda: _by_hand(connection, batch))
    ways: dict[str, Callable[[], object]] = {
        "work": lambda: by_load(connection),
        "warm worker": lambda: warm.load(connection),
        "new process": _by_process,
    }
    ours = seconds(ways[operation.way])
    _compare(connection)
    connection.execute("VACUUM ANALYZE silver.bench_customers")
    connection.execute("VACUUM ANALYZE dwh_staging.hand")
    return limit, ours


def arrive(connection: Connection, rows: str, values: str = _ROW) -> int:
    """Ingests so many rows, (n, v), as one batch."""
    with connection.transaction():
        begun = connection.execute(
            "SELECT dwh_etl.begin_ingestion('bronze.bench_raw_customers', 'crm', 'bench', gen_random_uuid()::text)"
        ).fetchone()
        batch = int(begun[0]) if begun else 0
        written = connection.execute(
            _literal(f"INSERT INTO bronze.bench_raw_customers_rows {_COLUMNS} SELECT {values} FROM ({rows}) AS x")
        )
        connection.execute("SELECT dwh_etl.finish_ingestion(%s, %s)", (batch, written.rowcount))
    return batch


def _by_hand(connection: Connection, batch: int) -> None:
    with connection.transaction():
        connection.execute(_HAND_STAGE, {"batch": batch})
        connection.execute("ANALYZE stage")
        for statement in (_HAND_BAD, _HAND_CLOSE, _HAND_OPEN):
            connection.execute(_literal(statement), {"batch": batch} if "%(batch)s" in statement else None)


def _by_process() -> None:
    subprocess.run([sys.executable, "-m", "bench.process", "load"], check=True)


def by_load(connection: Connection) -> None:
    """Loads what waits for the silver table."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute("CALL dwh_etl.load_silver_bench_customers()")
    connection.execute("COMMIT")


def _compare(connection: Connection) -> None:
    """Both did the same work, or the ratio says nothing."""
    columns = "customer_id, email, name, status, created_on, valid_from, valid_to, is_current"
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT {columns} FROM silver.bench_customers EXCEPT "
        f"SELECT {columns} FROM dwh_staging.hand) AS x"
    ).fetchone()
    if row is None or row[0]:
        raise RuntimeError(f"The load and the hand-written SQL differ in {row and row[0]} rows.")


def _drop(connection: Connection) -> None:
    remove(connection)
    connection.execute("DROP TABLE IF EXISTS dwh_staging.hand, dwh_staging.hand_bad")


def _literal(text: str) -> bytes:
    """SQL that is made here, not by a person's input; psycopg takes bytes for that."""
    return text.encode()
