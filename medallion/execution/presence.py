"""Signs of life of a worker's processes, and what they have done since they started."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

from django.db import Error, connection

from lineage.workers import BEAT_SECONDS
from medallion.execution.claim import worker_name

logger = logging.getLogger(__name__)

_SIGN = """
INSERT INTO dwh_lineage.workers AS w (name, host, pid, started_at, version, queues, steps, busy_seconds)
VALUES (%(name)s, %(host)s, %(pid)s, clock_timestamp() - make_interval(secs => %(lived)s), %(version)s, %(queues)s,
        %(steps)s, %(busy)s)
ON CONFLICT (name) DO UPDATE
SET host = excluded.host, version = excluded.version, queues = excluded.queues, steps = excluded.steps,
    busy_seconds = excluded.busy_seconds, seen_at = clock_timestamp(),
    -- The same number may come back in another process.
    started_at = CASE WHEN %(first)s THEN excluded.started_at ELSE w.started_at END
"""


class Presence:
    """One process's row in `workers`, written every BEAT_SECONDS by a thread of its own."""

    def __init__(self, queues: list[str]) -> None:
        self.queues = queues
        self.name, self.started = worker_name(), time.monotonic()
        self.steps, self.busy_seconds = 0, 0.0
        self._first = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Takes the row away; call it where the process ends in order."""
        self._ended.set()
        self._thread.join(timeout=5)

    def sign(self) -> None:
        """Writes the row now. Raises django.db.Error."""
        values: dict[str, str | int | float | list[str]] = {
            "name": self.name, "host": socket.gethostname(), "pid": os.getpid(), "version": version("assay"),
            "queues": self.queues, "steps": self.steps, "busy": self.busy_seconds, "first": self._first,
            "lived": time.monotonic() - self.started,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_SIGN, values)
        self._first = False

    def _run(self) -> None:
        while True:
            self._try(self.sign)
            if self._ended.wait(BEAT_SECONDS):
                self._try(self._leave)
                return

    def _leave(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM dwh_lineage.workers WHERE name = %s", [self.name])

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Error as error:
            logger.warning("The worker's sign of life was not written: %s", error)
        finally:
            connection.close()  # a connection of this thread's own, for a moment every BEAT_SECONDS


_present: Presence | None = None


@contextmanager
def busy() -> Iterator[None]:
    """Counts an attempt and its time as this worker's; does nothing in a process that is no worker."""
    began = time.monotonic()
    try:
        yield
    finally:
        if _present is not None:
            _present.steps += 1
            _present.busy_seconds += time.monotonic() - began


def announce(queues: list[str]) -> None:
    """This process is a worker now, for these queues."""
    global _present
    _present = Presence(queues)
    _present.begin()


def withdraw() -> None:
    """This process is no worker any more."""
    if _present is not None:
        _present.end()
