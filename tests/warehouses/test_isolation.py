"""Real concurrency, real commits: nothing is lost, nothing is doubled, whatever the order of commits."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses import model
from tests.warehouses.conftest import Connect
from tests.warehouses.lab import warehouse
from tests.warehouses.world import multiset, without_surrogate

pytestmark = pytest.mark.django_db

WRITERS, TURNS, ROWS = 8, 6, 40
SEEDS = range(max(3, int(os.environ.get("ASSAY_EXAMPLES", "0")) // 200))
TARGETS = ("silver.members", "silver.readings", "silver.presences", "gold.dim_member", "gold.members_by_region",
           "gold.readings_by_day")  # fmt: skip


class RolledBackError(Exception):
    """A writer that changes its mind."""


def rows(chance: random.Random, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    members = [
        {"region": chance.choice("ns"), "id": str(chance.randrange(8)), "name": chance.choice("ABC"),
         "updated": f"2024-01-{chance.randrange(1, 29):02}", "op": chance.choice("UUUUD")}
        for _ in range(count)
    ]  # fmt: skip
    reading = {"sensor": "ab", "order": "1", "amount": "1", "big": "2", "state": "on"}
    return members, [reading | {"at": f"2024-01-{chance.randrange(1, 29):02}"} for _ in range(count)]


def write(connection: bench.Connection, seed: str) -> int:
    """Ingests into both bronze tables, holds the transaction for a while, and sometimes rolls it back."""
    chance, committed = random.Random(seed), 0
    for turn in range(TURNS):
        members, readings = rows(chance, ROWS)
        try:
            with connection.transaction():
                bench.ingest(connection, warehouse.RawMembers, members, file=f"{chance.randrange(10)}.csv")
                bench.ingest(connection, warehouse.RawReadings, readings, file=f"{seed} {turn}.csv")
                time.sleep(chance.random() * 0.05)
                if chance.random() < 0.2:
                    raise RolledBackError
            committed += ROWS
        except RolledBackError:
            continue
    return committed


def stored(connection: bench.Connection, table: Any) -> list[model.BronzeRow]:
    """All bronze rows of a table, as the model takes them."""
    names = [column.name for column in table.bronze_columns()]
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute(
            f"SELECT r.*, b.source_file, b.source_checksum FROM {table.rows_relation()} AS r "
            "JOIN dwh_lineage.batches AS b ON b.batch_no = r._batch_no"
        ).fetchall()
    return [
        model.BronzeRow(row["_bronze_id"], row["_batch_no"], row["source_file"], row["source_checksum"],
                        row["_ingested_at"], {name: row[name] for name in names})
        for row in found
    ]  # fmt: skip


def assert_right(connection: bench.Connection) -> None:
    """All tables equal the model over everything in bronze, and no row is without an outcome."""
    for target in bench.LOADED:
        bench.run(connection, target)
    members, readings = stored(connection, warehouse.RawMembers), stored(connection, warehouse.RawReadings)
    for target, source, build in (
        ("silver.members", members, model.MEMBERS.fold),
        ("silver.presences", members, model.PRESENCES.fold),
        ("silver.readings", readings, model.READINGS.fold),
    ):
        expected, outcomes = build(source)
        assert without_surrogate(bench.rows(connection, target)) == multiset(expected), target
        line = connection.execute("SELECT dwh_etl.measure_accounting(%s)", (target,)).fetchone()
        assert line is not None
        found = {name: n for name, n in line[0].items() if " " not in name and name != "gap"}
        assert (line[0]["gap"], Counter(found)) == (0, model.counted(outcomes)), target


@pytest.mark.parametrize("seed", SEEDS)
def test_concurrent_writers_and_loaders_lose_nothing_and_double_nothing(connect_crowd: Connect, seed: int) -> None:
    """Errata 1: a watermark loses the rows of slow transactions; the ledger loses none."""
    done = threading.Event()

    def load_on(number: int) -> None:
        chance, connection = random.Random(number), connect_crowd()
        connection.execute("SET ROLE etl_service")
        while not done.is_set():
            bench.run(connection, chance.choice(TARGETS), chance.choice(["load"] * 9 + ["rebuild"]))

    owner = connect_crowd()
    count = "SELECT count(*) FROM bronze.raw_members_rows"
    before = owner.execute(count).fetchone()
    with ThreadPoolExecutor(WRITERS + 3) as pool:
        loaders = [pool.submit(load_on, number) for number in range(3)]
        writers = [pool.submit(write, connect_crowd(), f"{seed} {number} {os.getpid()}") for number in range(WRITERS)]
        try:
            committed = sum(writer.result() for writer in writers)
        finally:
            done.set()
        for loader in loaders:
            loader.result()
    after = owner.execute(count).fetchone()
    assert before is not None
    assert after is not None
    assert after[0] - before[0] == committed
    assert_right(owner)


def test_a_load_that_is_killed_leaves_nothing_and_the_next_takes_all(connect_crowd: Connect) -> None:
    owner, victim = connect_crowd(), connect_crowd()
    with owner.transaction():
        bench.ingest(owner, warehouse.RawMembers, rows(random.Random(1), 300)[0])
    pending = owner.execute("SELECT * FROM dwh_lineage.pendings ORDER BY 1, 2").fetchall()
    stood = multiset(bench.rows(owner, "silver.members"))
    victim.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    bench.call(victim, "silver.members")
    owner.execute("SELECT pg_terminate_backend(%s)", (victim.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        victim.execute("COMMIT")
    assert owner.execute("SELECT * FROM dwh_lineage.pendings ORDER BY 1, 2").fetchall() == pending
    assert multiset(bench.rows(owner, "silver.members")) == stood
    assert_right(owner)


def register(connection: bench.Connection, consumer: str) -> None:
    """A consumer of raw_members that is there only in the ledger."""
    connection.execute(
        "INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation) "
        "VALUES (%s, 'gold', 'fact', 'lab', '-') ON CONFLICT DO NOTHING",
        (consumer,),
    )
    connection.execute("SELECT dwh_lineage.register_input(%s, 'bronze.raw_members')", (consumer,))


def missed(connection: bench.Connection, consumer: str) -> int:
    """Batches of raw_members that do not wait for a consumer that has taken nothing yet."""
    row = connection.execute(
        "SELECT count(*) FROM dwh_lineage.batches AS b WHERE b.target = 'bronze.raw_members' AND b.rows_inserted > 0 "
        "AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.batch_no = b.batch_no AND p.consumer = %s)",
        (consumer,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def forget(connection: bench.Connection, consumer: str) -> None:
    connection.execute("SELECT dwh_lineage.forget_target(%s)", (consumer,))


def test_a_consumer_that_is_registered_while_a_writer_is_at_work_misses_nothing(connect_crowd: Connect) -> None:
    writer, owner, consumer = connect_crowd(), connect_crowd(), "gold.registered_meanwhile"
    writer.execute("BEGIN")
    bench.ingest(writer, warehouse.RawMembers, rows(random.Random(2), 3)[0])
    with ThreadPoolExecutor(1) as pool:
        registered = pool.submit(register, owner, consumer)
        time.sleep(0.2)
        assert not registered.done(), "it waits for the writer"
        writer.execute("COMMIT")
        registered.result(timeout=30)
    assert missed(owner, consumer) == 0
    forget(owner, consumer)


def test_a_writer_with_an_older_snapshot_than_a_registration_begins_again(connect_crowd: Connect) -> None:
    """In REPEATABLE READ a writer would not see the new consumer, so its batch would wait for nobody."""
    writer, owner, consumer = connect_crowd(), connect_crowd(), "gold.registered_before"
    writer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    writer.execute("SELECT 1")
    register(owner, consumer)
    with pytest.raises(psycopg.errors.SerializationFailure):
        bench.ingest(writer, warehouse.RawMembers, rows(random.Random(3), 3)[0])
    writer.execute("ROLLBACK")
    assert missed(owner, consumer) == 0
    forget(owner, consumer)
