"""Asking servers whether they live, without ever waiting for one that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a look found, or why there is none; `seconds` is how long it took, or has taken so far."""

    seconds: float
    found: T | None = None
    error: Exception | None = None


class Probe(Generic[T]):
    """Looks at a server in a thread of its own, so that who asks waits no longer than it wants to.

    There is one look at a time: who asks meanwhile gets the same answer, and a server that hangs keeps one thread
    however often one asks.
    """

    def __init__(self, name: str, look: Callable[[], T]) -> None:
        """`look` raises an error where the server does not answer."""
        self.name, self.look = name, look
        self._lock = threading.Lock()
        self._running: tuple[Future[T], float] | None = None

    def start(self) -> None:
        """Begins a look, unless one is under way."""
        with self._lock:
            if self._running is None or self._running[0].done():
                future: Future[T] = Future()
                self._running = future, time.monotonic()
                threading.Thread(target=self._run, args=(future,), name=f"probe {self.name}", daemon=True).start()

    def answer(self, until: float) -> Answer[T]:
        """The look's answer, waiting for it `until` a moment of time.monotonic(). Call `start` before."""
        if self._running is None:
            raise RuntimeError(f"The probe {self.name} was not started.")
        future, began = self._running
        try:
            found = future.result(max(0.0, until - time.monotonic()))
        except NotYet:
            waited = time.monotonic() - began
            return Answer(waited, error=TimeoutError(f"no answer for {waited:.1f} s"))
        except Exception as error:  # whatever keeps the server from answering
            return Answer(time.monotonic() - began, error=error)
        return Answer(time.monotonic() - began, found=found)

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self.look())
        except Exception as error:  # belongs to who asked
            future.set_exception(error)
