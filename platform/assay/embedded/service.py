"""What the two servers have in common: how they are launched, watched and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from assay.embedded.accounts import Account
from assay.embedded.binaries import clean_env
from assay.embedded.errors import NO_SPACE, ServerDied, StartTimeout, disk_full, explained, log_tail
from assay.embedded.places import Place

START_SECONDS = 120.0
STOP_SECONDS = 40.0
_LOG_LIMIT = 10_000_000


class Service(ABC):
    """One server of an instance. Whether it lives is asked of its socket, never of a process id."""

    name: str
    title: str

    def __init__(self, place: Place, account: Account) -> None:
        self.place, self.account = place, account
        self.child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def socket_path(self) -> Path:
        """The path of its Unix socket."""

    @abstractmethod
    def prepare(self) -> None:
        """Makes what it needs on disk."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs it in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers a request."""

    @abstractmethod
    def ask_to_stop(self) -> None:
        """Asks a server that is not our child to end; raises OSError when it cannot be asked."""

    def environment(self) -> dict[str, str]:
        """The server's environment variables."""
        return clean_env()

    def after_start(self) -> None:  # noqa: B027 - most services have nothing to do here
        """Called once when it is ready."""

    def is_listening(self) -> bool:
        """Whether a process accepts connections at the socket, ready or not."""
        return accepts(self.socket_path)

    def ensure(self) -> None:
        """Starts it unless it runs, and returns when it answers."""
        self.prepare()
        log, since = self.place.log(self.name), 0
        if not self.is_listening():
            since = self.launch()
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.child and self.child.poll() is not None and not self.is_listening():
                if not self.may_retry(log_tail(log, since), deadline):
                    raise self._died(since)
                time.sleep(0.3)
                since = self.launch()
            if time.monotonic() > deadline:
                raise self._timeout(since)
            time.sleep(0.03)
        self.after_start()

    def may_retry(self, tail: list[str], deadline: float) -> bool:
        """Whether a start that ended with these lines is worth another try."""
        return False

    def launch(self) -> int:
        """Starts the process; returns the size of the log before it."""
        path = self.place.log(self.name)
        with explained(path):
            if path.exists() and path.stat().st_size > _LOG_LIMIT:
                path.rename(path.with_suffix(".1.log"))
            log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            since = os.fstat(log).st_size
            self.child = self.account.spawn(self.command(), str(self.place.run), self.environment(), log)
        finally:
            os.close(log)
        return since

    def has_ended(self) -> bool:
        """Whether it ran and does not any more."""
        if self.child and self.child.poll() is None:
            return False
        return not self.is_listening()

    def stop(self) -> None:
        """Ends it in an orderly way, and by force when that takes too long."""
        if self.child is None or self.child.poll() is not None:
            if self.is_listening():
                self.ask_to_stop()
                _wait_until(lambda: not self.is_listening(), STOP_SECONDS)
            return
        for sign, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            self.child.send_signal(sign)
            if _wait_until(lambda: self.child is None or self.child.poll() is not None, seconds):
                return

    def _died(self, since: int) -> Exception:
        tail = log_tail(self.place.log(self.name), since)
        if any(NO_SPACE in line for line in tail):
            return disk_full(self.place.home)
        return ServerDied(
            f"{self.title} ended while it was starting (exit status {self.child.returncode if self.child else '?'}).",
            where=self.place.log(self.name),
            do="Read the lines below; try again; `python -m assay.embedded status` shows the folders.",
            log=tail,
        )

    def _timeout(self, since: int) -> Exception:
        return StartTimeout(
            f"{self.title} runs but did not become ready within {START_SECONDS:.0f} seconds.",
            where=self.place.log(self.name),
            do="It may be recovering after a crash: wait and try again. If it hangs, end its processes and try again.",
            log=log_tail(self.place.log(self.name), since),
        )


def accepts(path: Path) -> bool:
    """Whether somebody listens on the Unix socket at `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
        except TimeoutError:
            return True  # its queue is full: it lives
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
