"""Eight writers that hold their transactions, roll back or die, loaders beside them: of 200,000 rows none is lost and
none doubled, in an append table and in a history. `test_isolation` has the small version of it, against the model."""

from __future__ import annotations

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Connect

pytestmark = pytest.mark.django_db

WRITERS, TURNS, ROWS = 8, 10, 1250
TARGETS = ("silver.readings", "silver.members")

# The rows of a turn: the tag names writer, turn and row. Every row of a member says something new at a time of its own,
# so that each must be one version.
_READINGS = """
    INSERT INTO bronze.raw_readings (sensor, "order", amount, big, at, state, tag)
    SELECT 'ab', '1', '1', '2', '2024-01-01', 'on',
        format('%%s-0000-0000-0000-%%s', lpad(to_hex(%(turn)s::int), 8, '0'), lpad(to_hex(n), 12, '0'))
    FROM generate_series(1, %(rows)s) AS n
"""
_MEMBERS = """
    INSERT INTO bronze.raw_members (region, id, name, updated, state, op)
    SELECT 'n', (n %% 97)::text, format('%%s %%s', %(turn)s::int, n), timestamptz '2024-01-01'
        + %(turn)s::int %% 10 * interval '20 minutes' + n * interval '1 second'
        + %(turn)s::int * interval '1 microsecond', 'a', 'U'
    FROM generate_series(1, %(rows)s) AS n
"""
_LOST_OR_DOUBLED = {
    "silver.readings": """
        SELECT count(*) FROM (SELECT tag FROM bronze.raw_readings) AS b
        FULL JOIN (SELECT tag::text, count(*) AS n FROM silver.readings GROUP BY 1) AS s USING (tag)
        WHERE s.n IS DISTINCT FROM 1 OR b.tag IS NULL
    """,
    "silver.members": """
        SELECT count(*) FROM (SELECT id::numeric, name, updated::timestamptz AS valid_from FROM bronze.raw_members) AS b
        FULL JOIN (SELECT id, name, valid_from, count(*) AS n FROM silver.members GROUP BY 1, 2, 3) AS s
            USING (id, name, valid_from)
        WHERE s.n IS DISTINCT FROM 1 OR b.id IS NULL
    """,
}


def write(connect: Connect, writer: int, seed: int) -> int:
    """Commits TURNS turns, each as a file or as another program's INSERT; a turn that fails is begun again."""
    chance, connection = random.Random(seed * 100 + writer), connect()
    committed, tries = 0, itertools.count()
    while committed < TURNS:
        turn = writer * TURNS + committed
        ending = chance.choice(["commit", "commit", "commit", "roll back", "die"])
        connection.execute("BEGIN")
        for target, statement in (("bronze.raw_readings", _READINGS), ("bronze.raw_members", _MEMBERS)):
            ingest(connection, target, statement, f"{writer} {next(tries)}" if chance.random() < 0.7 else None,
                   {"turn": turn, "rows": ROWS})  # fmt: skip
        time.sleep(chance.random() * 0.1)
        if ending == "die":
            connection.close()
            connection = connect()
        else:
            connection.execute("COMMIT" if ending == "commit" else "ROLLBACK")
            committed += ending == "commit"
    return committed * ROWS


def ingest(connection: bench.Connection, target: str, statement: str, file: str | None, values: dict[str, Any]) -> None:
    if file is None:
        connection.execute(statement, values)
        return
    begun = connection.execute("SELECT dwh_etl.begin_ingestion(%s, 'crowd', %s, %s)", (target, file, file)).fetchone()
    connection.execute(statement, values)
    assert begun is not None
    connection.execute("SELECT dwh_etl.finish_ingestion(%s, %s)", (begun[0], values["rows"]))


def load_on(connect: Connect, target: str, done: threading.Event) -> int:
    """Loads until the writers have ended; two of these compete for one table."""
    connection, loads = connect(), 0
    connection.execute("SET ROLE etl_service")
    while not done.is_set():
        bench.run(connection, target)
        loads += 1
        time.sleep(0.3)
    return loads


def crowd(connect: Connect, seed: int) -> None:
    owner, done = connect(), threading.Event()
    with ThreadPoolExecutor(WRITERS + 4) as pool:
        loaders = [pool.submit(load_on, connect, target, done) for target in TARGETS * 2]
        writers = [pool.submit(write, connect, number, seed) for number in range(WRITERS)]
        try:
            committed = sum(writer.result() for writer in writers)
        finally:
            done.set()
        assert all(loader.result() for loader in loaders)
    for target, source in zip(TARGETS, ("bronze.raw_readings", "bronze.raw_members"), strict=True):
        bench.run(owner, target)
        assert scalar(owner, f"SELECT count(*) FROM {source}") == committed
        assert scalar(owner, _LOST_OR_DOUBLED[target]) == 0, target
        line = scalar(owner, f"SELECT dwh_etl.measure_accounting('{target}')")
        assert line["gap"] == 0, line
    assert committed == WRITERS * TURNS * ROWS


def scalar(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_of_200_000_rows_of_a_crowd_none_is_lost_and_none_doubled(connect_empty: Connect, seed: int) -> None:
    crowd(connect_empty, seed)
