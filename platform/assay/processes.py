"""Runs several processes in the foreground, shows their output with a prefix each, and ends them together.

    with Processes() as processes:
        processes.add("web", web_command(port))
        processes.add("worker", worker_command())
        processes.wait()            # until Ctrl-C, SIGTERM, or one of them ends

Leaving the `with` block ends all that still run: SIGTERM to the process, and after `grace` seconds SIGKILL to its whole
group. Each process is a group of its own, so that a Ctrl-C in the terminal reaches only us and we decide the order.
Should we be killed (kill -9), Linux ends the processes for us.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import IO, TextIO

_COLOURS = ("36", "33", "35", "32", "34")
_LAST_LINES = 12
_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class PartEnded(RuntimeError):
    """One of the processes ended although nobody had asked it to; the text has its last lines."""


@dataclass
class Process:
    """One part: its name, its process, and its last lines."""

    name: str
    popen: subprocess.Popen[bytes]
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES))
    reader: threading.Thread | None = None


class Processes:
    """A set of processes that live and end together. To be used from the main thread, because of the signals."""

    def __init__(self, *, out: TextIO | None = None, grace: float = 30.0, quiet: bool = False) -> None:
        """`out` is where the lines go (stdout); `quiet` keeps them for errors only; `grace` in seconds."""
        self.out, self.grace, self.quiet = out or sys.stdout, grace, quiet
        self.parts: list[Process] = []
        self.signal: int | None = None
        self._lock = threading.Lock()
        self._before: dict[int, object] = {}
        self._width = 8

    def __enter__(self) -> Processes:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self.end()
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us

    def add(self, name: str, command: list[str], env: Mapping[str, str] | None = None) -> Process:
        """Starts a process; `env` is added to our environment."""
        popen = subprocess.Popen(
            command, env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0, preexec_fn=_die_with_parent(),
        )  # fmt: skip
        part = Process(name, popen)
        part.reader = threading.Thread(target=self._read, args=(part, popen.stdout), daemon=True)
        self.parts.append(part)
        part.reader.start()
        return part

    def wait(self, seconds: float | None = None) -> None:
        """Returns at Ctrl-C, SIGTERM, or after `seconds`. Raises PartEnded when a part ends by itself."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.signal is None and (deadline is None or time.monotonic() < deadline):
            self.check()
            time.sleep(0.1)

    def check(self) -> None:
        """Raises PartEnded if a part has ended by itself."""
        for part in self.parts:
            if (status := part.popen.poll()) is not None and self.signal is None:
                raise self._ended(part, status)

    def say(self, text: str, name: str = "assay") -> None:
        """Prints lines of our own, with a prefix like the others."""
        for line in text.splitlines():
            self._print(name, "1", line)

    def end(self) -> None:
        """Ends all parts, the last started first asked."""
        running = [part for part in reversed(self.parts) if part.popen.poll() is None]
        for part in running:
            part.popen.terminate()
        deadline = time.monotonic() + self.grace
        for part in running:
            try:
                part.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{part.name} does not end within {self.grace:.0f} seconds: killing it.")
            _kill_group(part.popen)
        for part in self.parts:
            if part.reader:
                part.reader.join(2)
        self.parts.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            self.grace = 0.0  # asked twice: no more patience
            for part in self.parts:
                _kill_group(part.popen)
        self.signal = number

    def _read(self, part: Process, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe:
            for raw in pipe:
                line = raw.decode("utf-8", "replace").rstrip()
                part.last.append(line)
                if line and not self.quiet:
                    self._print(part.name, _COLOURS[self.parts.index(part) % len(_COLOURS)], line)

    def _print(self, name: str, colour: str, line: str) -> None:
        prefix = f"{name:<{self._width}}|"
        if self.out.isatty() and "NO_COLOR" not in os.environ:
            prefix = f"\033[{colour}m{prefix}\033[0m"
        with self._lock:
            print(prefix, line, file=self.out, flush=True)

    def _ended(self, part: Process, status: int) -> PartEnded:
        if part.reader:
            part.reader.join(1)
        how = f"with exit status {status}" if status >= 0 else f"by signal {signal.Signals(-status).name}"
        lines = "\n".join(f"    {line}" for line in part.last) or "    (it said nothing)"
        return PartEnded(f"{part.name} has ended {how}, so the rest is ended too.\n  its last lines:\n{lines}")


def _kill_group(popen: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(popen.pid, signal.SIGKILL)  # its children too: nothing may be left over
    except (ProcessLookupError, PermissionError):
        return
    popen.wait()


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does before it becomes the command: ask Linux for a SIGTERM when its parent dies."""
    if _PRCTL is None:
        return None
    prctl, parent = _PRCTL, os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask
