"""Histories that are committed as they happen, with loads and replays that are killed at any moment, and with loads and
rebuilds at the same time: in the end everything is what the model says of the whole."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouses import bench_database as bench
from tests.warehouses import histories, model
from tests.warehouses.conftest import Connect, Parameters, connecting, copy_of
from tests.warehouses.decisions import value
from tests.warehouses.examples import examples
from tests.warehouses.lab import warehouse
from tests.warehouses.test_histories import HISTORIES
from tests.warehouses.world import World

pytestmark = pytest.mark.django_db


@dataclass
class Committed(World):
    """A world whose every step is a transaction of its own."""

    #: After how many milliseconds the next load is killed; None: it is not.
    kills: Iterator[int | None] = field(default_factory=lambda: itertools.repeat(None))
    connect: Connect | None = None
    #: Others load the tables too, so that nobody here knows which rows they have taken.
    crowded: bool = False

    def ingest(self, batch: histories.Batch) -> None:
        with self.lab.transaction():
            super().ingest(batch)

    def carry(self, target: str, verb: str) -> None:
        after = next(self.kills)
        if after is not None:
            self.tear(lambda victim: bench.run(victim, target, verb), after)
        bench.run(self.lab, target, verb)

    def tear(self, act: Callable[[bench.Connection], object], after: int) -> None:
        """Begins a load or a replay and kills its backend, wherever it is by then."""
        assert self.connect is not None
        victim, killer = self.connect(), self.connect()
        pid = victim.info.backend_pid
        timer = threading.Timer(after / 1000, lambda: killer.execute("SELECT pg_terminate_backend(%s)", (pid,)))
        timer.start()
        with contextlib.suppress(psycopg.OperationalError):
            act(victim)
        timer.join()

    def carry_out(self, *what: Any) -> int | None:
        try:
            return super().carry_out(*what)
        except psycopg.DatabaseError as error:
            if str(error.sqlstate).startswith("AS"):  # a load has just closed the exception
                return None
            raise

    def replay_chunk(self, decision: int) -> int:
        """Sometimes by a worker that is killed first, and then by two at once: its message was delivered twice."""
        assert self.connect is not None
        after = next(self.kills)
        if after is not None:
            self.tear(lambda victim: replay_chunk(victim, decision), after)
        with ThreadPoolExecutor(1) as pool:
            twin = pool.submit(replay_chunk, self.connect(), decision)
            left = replay_chunk(self.lab, decision)
            twin.result()
        return left

    def check_silver(self, target: str) -> None:
        # Versions may have gone and come again between two checks.
        self.surrogates.clear()
        if not self.crowded:
            super().check_silver(target)


def replay_chunk(connection: bench.Connection, decision: int) -> int:
    """Carries a decision out, again after 40001; how many rows are left."""
    for _ in range(1000):
        try:
            with bench.repeatable_read(connection):
                return int(value(connection, "SELECT dwh_lineage.replay_chunk(%s)", decision))
        except psycopg.errors.SerializationFailure:
            continue
    raise AssertionError


@contextlib.contextmanager
def living(parameters: Parameters, silver: list[str]) -> Iterator[Committed]:
    """A committed world in a laboratory of its own."""
    with copy_of(parameters, "_torn") as own, connecting(own) as connect:
        yield Committed(connect(), warehouse.RawMembers, tuple(silver), (), connect=connect)


@examples(0.02)
@given(
    history=histories.batches(histories.MEMBER, most=6, decided=1),
    tables=histories.some(HISTORIES, 2),
    kills=st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=3, max_size=7),
)
def test_loads_that_are_killed_at_any_moment_leave_nothing_half_done(
    lab_parameters: Parameters, part: int, history: list[histories.Batch], tables: list[str], kills: list[int | None]
) -> None:
    with living(lab_parameters, tables) as world:
        world.kills = itertools.cycle(kills)
        for batch in history:
            world.take(batch)
            world.check()
        world.load()
        world.settle()
        world.check()


def work_on(connection: bench.Connection, tables: list[str], verb: str, seed: int, done: threading.Event) -> int:
    """Loads or rebuilds tables until it is over; returns how often."""
    chance, times = random.Random(seed), 0
    while not done.is_set():
        bench.run(connection, chance.choice(tables), verb)
        times += 1
    return times


@examples(0.02)
@given(
    history=histories.batches(histories.MEMBER, most=6, decided=2),
    tables=histories.some(HISTORIES, 2),
    seed=st.integers(0, 10**6),
)
def test_loads_and_rebuilds_at_once_end_as_one_after_the_other(
    lab_parameters: Parameters, part: int, history: list[histories.Batch], tables: list[str], seed: int
) -> None:
    done = threading.Event()
    with living(lab_parameters, tables) as world, ThreadPoolExecutor(2) as pool:
        assert world.connect is not None
        workers = [
            pool.submit(work_on, world.connect(), tables, verb, seed + number, done)
            for number, verb in enumerate(("load", "rebuild"))
        ]
        world.crowded = True
        try:
            for batch in history:
                world.take(batch)
        finally:
            done.set()
        assert all(worker.result() >= 0 for worker in workers)
        world.crowded = False
        world.load()
        world.settle()
        world.check()


def test_the_model_knows_every_table() -> None:
    assert set(model.TABLES) == {table.target for table in bench.SILVER}
