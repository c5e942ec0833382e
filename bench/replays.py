"""A decision over many exceptions against the plain load of as many rows into the same table.

Both land as many new keys in the same table of customers, one after the other: the load from a batch that has
nothing wrong, the replay from rows that were set aside for one fault and are corrected by one decision.
"""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from bench.bronze_to_silver import arrive, by_load, row
from bench.report import Row, compared, seconds
from bench.warehouse import TABLES, BenchCustomers, install, remove

Connection = psycopg.Connection[TupleRow]

_GOOD, _BAD = row(), row(status="'actve'")


def run(connection_url: str, exceptions: int = 100_000, tries: int = 3) -> list[Row]:
    """Freezing a selection, and replaying it, `tries` times anew; nine times as many good rows lie in the table."""
    decided: list[tuple[float, float]] = []
    replayed: list[tuple[float, float]] = []
    with psycopg.connect(connection_url, autocommit=True) as connection:
        for _ in range(tries):
            _start(connection, exceptions)
            limit = seconds(lambda: by_load(connection))
            decided.append((limit, _decide(connection)))
            replayed.append((limit, seconds(lambda: _replay(connection, exceptions))))
        _forget(connection)
    return [
        compared(f"decision over {exceptions:,} exceptions, frozen", decided, 1),
        compared(f"replay of {exceptions:,} corrected exceptions", replayed, 2, "limit: their plain silver load"),
    ]


def _forget(connection: Connection) -> None:
    """What was decided is in the way of a table that goes."""
    connection.execute("TRUNCATE dwh_lineage.quality_decisions, dwh_lineage.quality_exceptions CASCADE")
    remove(connection)


def _start(connection: Connection, exceptions: int) -> None:
    """New tables, with good rows and exceptions loaded, and a batch of good rows that waits."""
    _forget(connection)
    connection.execute(
        "INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, is_active, is_superuser, "
        "date_joined) VALUES ('bench', '', '', '', '', true, true, true, now()) ON CONFLICT DO NOTHING"
    )
    install(connection, *TABLES)
    keys = "SELECT n, 0 AS v FROM generate_series({}, {}) AS n WHERE n % 100 <> 7"
    arrive(connection, keys.format(1, 9 * exceptions), _GOOD)
    many = 10 * exceptions
    arrive(connection, f"SELECT n * 100 AS n, 0 AS v FROM generate_series({many}, {many + exceptions - 1}) AS n", _BAD)
    connection.execute("VACUUM ANALYZE bronze.bench_raw_customers_rows")
    by_load(connection)
    many *= 2
    arrive(connection, f"SELECT n * 100 AS n, 0 AS v FROM generate_series({many}, {many + exceptions - 1}) AS n", _GOOD)
    for table in ("silver.bench_customers", "bronze.bench_raw_customers_rows", "dwh_lineage.quality_exceptions"):
        connection.execute(f"VACUUM ANALYZE {table}".encode())


def _decide(connection: Connection) -> float:
    """Seconds to freeze all that is open."""
    act = "SELECT dwh_lineage.decide('correct', %s, '{}', 'bench', '', %s)"
    patch = Jsonb({"status": "active"})
    return seconds(lambda: connection.execute(act, (BenchCustomers.target, patch)))


def _replay(connection: Connection, exceptions: int) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SELECT dwh_lineage.replay_chunk(max(id)) FROM dwh_lineage.quality_decisions")
    connection.execute("COMMIT")
    found = connection.execute("SELECT landed FROM dwh_lineage.quality_decisions ORDER BY id DESC LIMIT 1").fetchone()
    if found != (exceptions,):
        raise RuntimeError(f"The replay landed {found and found[0]} of {exceptions} rows: the ratio says nothing.")
