"""The guardian: a small process that starts the servers of one instance and ends them after their last user.

Every process that uses the servers holds a shared lock on `users.lock`. The kernel drops it however that process ends,
so also after kill -9, and that is how the guardian learns that nobody is left. It lingers some seconds, so that a
series of commands need not start PostgreSQL each time.

A server that dies meanwhile is started again. If the guardian itself is killed, the next start finds `guardian.lock`
free and launches another, which adopts the servers that still answer.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from assay.embedded.errors import EmbeddedError, explained
from assay.embedded.instance import parse
from assay.embedded.locks import FileLock
from assay.embedded.places import Place
from assay.embedded.service import Service

LINGER_SECONDS = 5.0
_POLL_SECONDS = 0.25
_REVIVALS = 20  # in a minute


class Guardian:
    """Watches the servers of one instance until nobody uses them."""

    def __init__(self, place: Place, services: list[Service], lock: FileLock) -> None:
        self.place, self.services, self.lock = place, services, lock
        self.linger = LINGER_SECONDS
        self.revived: list[float] = []

    def bring_up(self) -> None:
        """Starts what does not run; all or nothing."""
        try:
            for service in self.services:
                service.ensure()
        except BaseException:
            self.stop_servers()
            self.lock.close()  # before the report: who reads it may start another guardian at once
            raise

    def watch(self) -> None:
        """Returns when the servers are stopped."""
        with FileLock(self.place.users_lock) as users:
            while not self.lock.is_orphaned():
                if self.is_idle(users) and self.retire(users):
                    return
                self.revive()
                time.sleep(_POLL_SECONDS)
        _say("The folder was removed under the servers: stopping them.")
        self.stop_servers()

    def hurry(self) -> None:
        """No lingering: stop as soon as nobody uses the servers."""
        self.linger = -1.0

    def is_idle(self, users: FileLock) -> bool:
        """Whether nobody has used the servers for the time we linger."""
        if users.is_taken():
            users.touch()  # the linger counts from the last moment of use
            return False
        return users.age() >= self.linger

    def retire(self, users: FileLock) -> bool:
        """Stops the servers if nobody is on the way in; says whether it did."""
        with FileLock(self.place.start_lock) as start:
            # Starters hold start.lock, and take users.lock before it: with both in hand nobody can be on the way in.
            if not start.try_take() or not users.try_take():
                return False
            self.stop_servers()
            self.lock.close()
            return True

    def revive(self) -> None:
        """Starts again what has died, but not for ever: a server that keeps dying would fill the log."""
        dead = [service for service in self.services if service.has_ended()]
        if not dead:
            return
        now = time.monotonic()
        self.revived = [moment for moment in self.revived if now - moment < 60] + [now]
        if len(self.revived) > _REVIVALS:
            raise RuntimeError(f"{dead[0].title} keeps dying; its last lines are in {self.place.log(dead[0].name)}")
        for service in dead:
            _say(f"{service.title} has ended by itself; starting it again.")
            service.ensure()

    def stop_servers(self) -> None:
        """Stops both, whatever happens to one of them."""
        for service in reversed(self.services):
            try:
                service.stop()
            except OSError as error:
                _say(f"{service.title} could not be stopped: {error}")


def run(name: str, report: int) -> int:
    """The guardian's life; `report` is a pipe on which the starter waits for one line of JSON."""
    instance = parse(name)
    place = instance.place
    try:
        services = instance.services()
        with explained(place.home):
            lock = FileLock(place.guardian_lock)
        if not lock.take(timeout=2):
            _report(report, None)  # somebody else was quicker, and will bring them up
            return 0
        lock.write(str(os.getpid()))
        guardian = Guardian(place, services, lock)
        signal.signal(signal.SIGTERM, lambda *_: guardian.hurry())
        guardian.bring_up()
    except EmbeddedError as error:
        _report(report, error)
        return 1
    _report(report, None)
    try:
        guardian.watch()
    except BaseException:  # its traceback goes to guardian.log
        guardian.stop_servers()
        raise
    return 0


def _report(pipe: int, error: EmbeddedError | None) -> None:
    try:
        os.write(pipe, json.dumps(error.as_dict() if error else {}).encode() + b"\n")
        os.close(pipe)
    except BrokenPipeError:
        _say("The process that asked for the servers is gone.")


def _say(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # The starter may be long-lived and would keep us as a zombie: become a child of init instead.
    if os.fork() == 0:
        os.chdir("/")
        os._exit(run(sys.argv[1], int(sys.argv[2])))
