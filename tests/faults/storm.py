"""Faults at random for minutes: what strikes, what is tended meanwhile, and how it calms down."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from django.db import connection
from psycopg.rows import TupleRow

from lineage.models import PipelineRun, Step
from lineage.states import LIVE_RUN_STATES
from medallion.execution.errors import RunRefused
from medallion.execution.intervene import cancel_run, resume_run
from tests.faults.site import AWAY, Part, Site, insist, send
from tests.faults.works import Works

BEYOND_THE_LEASE = (35.0, 50.0)
WORKERS, PROCESSES, BEATS, WRITERS = 3, 4, 2, 4


@dataclass
class Storm:
    """Runs of all pipelines one after the other, while faults strike; the same `seed` deals the same faults."""

    site: Site
    works: Works
    pipelines: list[str]
    seed: int
    struck: Counter[str] = field(default_factory=Counter)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.over = threading.Event()
        self.deck: list[Callable[[], str | None]] = []

    # --- the weather -----------------------------------------------------------------------------------------------

    def blow(self, seconds: float, steps: int) -> None:
        """Strikes for at least so long, and until so many steps have succeeded."""
        writers = [threading.Thread(target=self._write, args=(number,), daemon=True) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        self._tend()
        began, next_fault = time.monotonic(), time.monotonic() + 8  # the workers need a moment to start
        while time.monotonic() - began < seconds or self._succeeded() < steps:
            assert time.monotonic() - began < 4 * seconds, "Far too slow: the steps do not get done."
            self._tend()
            if time.monotonic() > next_fault:
                self._strike()
                next_fault = time.monotonic() + self.chance.uniform(0.5, 2.5)
            time.sleep(0.2)
        self.over.set()
        for writer in writers:
            writer.join()

    def calm(self, seconds: float) -> None:
        """No more faults; every run must end by itself. Then failed ones are resumed, as a person would, and what has
        arrived last is loaded."""
        self._do_later(at_once=True)
        self._await_the_end(seconds)
        while insist(lambda: PipelineRun.objects.filter(status="failed").exists()):
            insist(self._resume_failed)
            self._await_the_end(seconds)
        insist(lambda: self._start_runs(self.works.waiting()))
        self._await_the_end(seconds)

    def _await_the_end(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while live := insist(lambda: list(_live_runs().values_list("run_id", "status"))):
            assert time.monotonic() < until, f"These runs do not end: {live}"
            self._keep_parts()
            time.sleep(0.3)

    # --- what goes on meanwhile ------------------------------------------------------------------------------------

    def _tend(self) -> None:
        self._do_later()
        self._keep_parts()
        try:
            live = set(_live_runs().values_list("pipeline_name", flat=True))
            self._resume_failed()
            self._start_runs([name for name in self.pipelines if name not in live])
        except AWAY:
            connection.close()

    def _keep_parts(self) -> None:
        """Starts again what has died, as systemd or Docker do."""
        running = {part.name for part in self.site.parts if part.runs}
        for number in range(WORKERS):
            if (name := f"worker{number}") not in running:
                self.site.worker(name, PROCESSES)
        for number in range(BEATS):
            if (name := f"beat{number}") not in running:
                self.site.beat(name)

    def _start_runs(self, names: list[str]) -> None:
        for name in names:
            for target in [f"silver.{name}_a", f"silver.{name}_b", f"gold.{name}"]:
                work, pause = self._pace()
                self.works.execute(
                    "UPDATE dwh_staging.paces SET work = %s, pause = %s WHERE starts_with(target, %s)",
                    work, pause, target,
                )  # fmt: skip
            try:
                self.works.run(name)
            except RunRefused:
                continue  # a COMMIT of before whose answer was lost

    def _pace(self) -> tuple[float, float]:
        """Most loads are short; some outlast a heartbeat or even a lease; a third commit slowly."""
        work = self.chance.choices([(0.0, 0.1), (0.2, 1.0), (9.0, 33.0)], [68, 30, 2])[0]
        return self.chance.uniform(*work), self.chance.choice([0.0, 0.0, 0.3])

    def _resume_failed(self) -> None:
        for run in PipelineRun.objects.filter(status="failed").values_list("pk", flat=True):
            try:
                resume_run(run)
            except RunRefused:
                continue

    def _write(self, number: int) -> None:
        """Opens batches of bronze tables, holds them open (some for long), and commits two of three."""
        chance, server = random.Random(f"{self.seed} {number}"), None
        while not self.over.is_set():
            try:
                server = server or open_connection()
                with server.transaction():
                    name = chance.choice(self.pipelines)
                    server.execute(
                        "SELECT dwh_lineage.close_batch(dwh_lineage.open_batch(%s, 'foreign'), 3, 3)",
                        (f"bronze.{name}",),
                    )
                    self.over.wait(chance.choice([0.0, 0.3, 1.0, 1.0, 15.0]))
                    if chance.random() < 0.3:
                        raise psycopg.Rollback
            except (psycopg.OperationalError, psycopg.Rollback):  # a connection that broke passes Rollback on
                server = None
                time.sleep(0.2)
        if server:
            server.close()

    def _succeeded(self) -> int:
        return insist(lambda: Step.objects.filter(state="succeeded").count())

    # --- faults ----------------------------------------------------------------------------------------------------

    def _strike(self) -> None:
        """The next fault of the deck; each deck holds each fault, in an order of its own."""
        if not self.deck:
            self.deck = [
                self.kill_child, self.kill_child, self.kill_child, self.kill_parent, self.kill_group,
                self.freeze_child, self.freeze_child, self.freeze_group, self.hiccup, self.flush_redis, self.kill_redis,
                self.restart_postgres, self.crash_backend, self.terminate_heartbeat, self.terminate_heartbeat,
                self.terminate_load, self.terminate_load, self.terminate_control, self.cancel_query, self.cancel_run,
                self.kill_beat, self.stop_worker,
            ]  # fmt: skip
            self.chance.shuffle(self.deck)
        fault = self.deck.pop()
        try:
            what = fault()
        except AWAY:
            connection.close()
            what = None
        self.struck[fault.__name__.replace("_", " ") if what is None else what] += 1

    def kill_child(self) -> str | None:
        send(signal.SIGKILL, *self._a_child())
        return None

    def kill_parent(self) -> str | None:
        """Its pool is left alone with the steps it works at."""
        worker = self._a_worker()
        send(signal.SIGKILL, worker.pid)
        worker.process.wait()
        self._in(20, lambda: worker.signal_group(signal.SIGKILL))
        return None

    def kill_group(self) -> str | None:
        self._a_worker().kill()
        return None

    def stop_worker(self) -> str | None:
        """An orderly end: SIGTERM, and 20 seconds for what it works at."""
        worker = self._a_worker()
        send(signal.SIGTERM, worker.pid)
        return None

    def freeze_child(self) -> str | None:
        child = self._a_child()
        send(signal.SIGSTOP, *child)
        self._in(self.chance.uniform(*BEYOND_THE_LEASE), lambda: send(signal.SIGCONT, *child))
        return None

    def freeze_group(self) -> str | None:
        return self._freeze(self._a_worker(), self.chance.uniform(*BEYOND_THE_LEASE))

    def hiccup(self) -> str | None:
        """Shorter than the lease."""
        return self._freeze(self._a_worker(), self.chance.uniform(2, 12))

    def _freeze(self, worker: Part, seconds: float) -> None:
        worker.signal_group(signal.SIGSTOP)
        self._in(seconds, lambda: worker.signal_group(signal.SIGCONT))

    def flush_redis(self) -> str | None:
        self.site.flush_redis()
        return None

    def kill_redis(self) -> str | None:
        self.site.kill_redis()
        return None

    def restart_postgres(self) -> str | None:
        self.site.restart_postgres()
        return None

    def crash_backend(self) -> str | None:
        """kill -9 of one backend, as the kernel does where memory is short: the server ends all others."""
        send(signal.SIGKILL, *self._some(self.site.backends("assay load")))
        return None

    def terminate_heartbeat(self) -> str | None:
        self.site.tell_backends("pg_terminate_backend", self.site.backends("assay heartbeat"))
        return None

    def terminate_load(self) -> str | None:
        self.site.tell_backends("pg_terminate_backend", self._some(self.site.backends("assay load")))
        return None

    def terminate_control(self) -> str | None:
        self.site.tell_backends("pg_terminate_backend", self.site.backends(""))
        return None

    def cancel_query(self) -> str | None:
        self.site.tell_backends("pg_cancel_backend", self._some(self.site.backends("assay load")))
        return None

    def cancel_run(self) -> str | None:
        for run in self._some(list(_live_runs().order_by("pk").values_list("pk", flat=True))):
            try:
                cancel_run(run)
            except RunRefused:
                return "cancel run (too late)"
        return None

    def kill_beat(self) -> str | None:
        self.chance.choice([part for part in self.site.parts if part.name.startswith("beat")]).kill()
        return None

    # --- whom it strikes -------------------------------------------------------------------------------------------

    def _a_worker(self) -> Part:
        return self.chance.choice([part for part in self.site.parts if part.name.startswith("worker")])

    def _a_child(self) -> list[int]:
        return self._some(self._a_worker().pool)

    def _some(self, found: list[int]) -> list[int]:
        return [self.chance.choice(found)] if found else []

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, act))

    def _do_later(self, *, at_once: bool = False) -> None:
        due = [entry for entry in self.later if at_once or entry[0] <= time.monotonic()]
        self.later = [entry for entry in self.later if entry not in due]
        for _, act in due:
            act()


def _live_runs():  # type: ignore[no-untyped-def]
    return PipelineRun.objects.filter(status__in=LIVE_RUN_STATES)


def open_connection() -> psycopg.Connection[TupleRow]:
    entry = connection.get_connection_params()
    found = {key: entry[key] for key in ("dbname", "user", "password", "host", "port") if entry.get(key)}
    return psycopg.connect(**found, autocommit=True, application_name="writer")
