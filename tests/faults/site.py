"""A site of its own: PostgreSQL, Redis, workers and beats on which nobody else depends, and the faults they suffer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import kombu
import psycopg
import redis
from django.db import InterfaceError, OperationalError, connection
from psycopg.rows import TupleRow

from assay import parts
from assay.celery import broker_url
from assay.embedded import Servers

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, redis.RedisError, kombu.exceptions.OperationalError)


def insist(act: Callable[[], T], seconds: float = 60) -> T:
    """What `act` returns, tried again while a server that we have just ended is away."""
    until = time.monotonic() + seconds
    while True:
        try:
            return act()
        except AWAY:
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.1)


def wait_until(happened: Callable[[], object], seconds: float) -> float:
    """Waits for something and returns how long it took; fails where it does not happen in time."""
    began = time.monotonic()
    while not insist(happened):
        assert time.monotonic() - began < seconds, f"It did not happen within {seconds:.0f} s."
        time.sleep(0.05)
    return time.monotonic() - began


def children_of(pid: int) -> list[int]:
    """The processes that the process `pid` has started and that still run, oldest first; where there is no /proc, as
    `ps` says."""
    if sys.platform == "linux":
        rows = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it has just ended
                state, parent = path.read_text().rpartition(")")[2].split()[:2]
                rows.append((path.parent.name, parent, state))
    else:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
        rows = [tuple(line.split()[:3]) for line in listed.stdout.splitlines()]
    return sorted(int(child) for child, parent, state in rows if int(parent) == pid and not state.startswith("Z"))


def send(number: signal.Signals, *pids: int) -> None:
    """Sends a signal; a process that has gone meanwhile needs none."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@dataclass
class Part:
    """A worker or a beat: a process group of its own, as on a machine of its own."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def pool(self) -> list[int]:
        """The processes that work at steps."""
        return children_of(self.pid)

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """kill -9 of all its processes at once, as when its machine loses its power."""
        self.signal_group(signal.SIGKILL)
        self.process.wait()


@dataclass
class Site:
    """Servers that may be killed, and the parts that use them."""

    servers: Servers
    folder: Path
    parts: list[Part] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """In which a process finds these servers, without keeping them alive."""
        ours = {name: value for name, value in os.environ.items() if name != "ASSAY_EMBEDDED"}
        urls = {"DATABASE_URL": self.servers.database_url, "REDIS_URL": self.servers.redis_url}
        return ours | parts.python_path() | urls | {"DEBUG": "1", "PYTHONUNBUFFERED": "1"} | more

    def start(self, name: str, command: list[str], **environment: str) -> Part:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self.environment(**environment), cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        part = Part(name, process)
        self.parts = [other for other in self.parts if other.name != name] + [part]
        return part

    def worker(self, name: str, processes: int = 2) -> Part:
        """Starts a worker, as `manage.py up` does."""
        return self.start(name, [*parts.worker(processes), "-n", f"{name}@%h"])

    def beat(self, name: str) -> Part:
        """Starts a beat with a state of its own, as on a machine of its own."""
        return self.start(name, [*parts.beat(), f"--schedule={self.folder / name}"])

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def end_parts(self) -> None:
        for part in self.parts:
            part.signal_group(signal.SIGCONT)
            part.kill()
        self.parts.clear()

    # --- faults --------------------------------------------------------------------------------------------------

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.servers.instance.place.redis_socket), socket_timeout=5)

    def flush_redis(self) -> None:
        """Redis forgets everything."""
        with self.redis as client:
            client.flushall()

    def kill_redis(self) -> None:
        """kill -9; it keeps nothing on disk, and the guardian of the embedded servers starts it again."""
        with self.redis as client:
            send(signal.SIGKILL, int(client.info("server")["process_id"]))

    def restart_postgres(self) -> None:
        """What `pg_ctl restart -m immediate` does: every backend is gone, and the log is played again."""
        pid = (self.servers.instance.place.data / "postmaster.pid").read_text().split("\n", 1)[0]
        send(signal.SIGQUIT, int(pid))

    def backends(self, purpose: str) -> list[int]:
        """The server's processes for connections of one purpose: `assay load`, `assay heartbeat`, `` for control."""
        with self.superuser() as server:
            found = server.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'assay' AND application_name = %s"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid",
                (purpose,),
            )
            return [pid for (pid,) in found]

    def asleep(self) -> int:
        """How many loads are in the sleep that their pace prescribes, in their work or in COMMIT."""
        with self.superuser() as server:
            found = server.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone()
            return int(found[0]) if found else 0

    def tell_backends(self, verb: LiteralString, pids: list[int]) -> None:
        """`pg_terminate_backend` or `pg_cancel_backend` for each."""
        with self.superuser() as server:
            for pid in pids:
                server.execute("SELECT " + verb + "(%s)", (pid,))

    @contextlib.contextmanager
    def superuser(self) -> Iterator[psycopg.Connection[TupleRow]]:
        with psycopg.connect(self.servers.superuser_url, autocommit=True, application_name="faults") as server:
            yield server

    # --- doorbells -----------------------------------------------------------------------------------------------

    def ring(self, step_ids: Any) -> None:
        """Rings as `doorbell.ring` does, at this site's Redis; nothing where that is away."""
        from medallion.tasks import run_step

        with contextlib.suppress(*AWAY), kombu.Connection(broker_url(self.servers.redis_url)) as broker:
            for step_id in step_ids:
                run_step.apply_async((step_id,), connection=broker, retry=False, ignore_result=True)
