"""Starts, finds and stops the embedded servers: the functions that `assay.embedded` offers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from assay.embedded.errors import ServerDied, StartTimeout, StillInUse, explained, log_tail, revive
from assay.embedded.instance import Instance, Profile
from assay.embedded.locks import FileLock
from assay.embedded.places import Place
from assay.embedded.service import START_SECONDS, STOP_SECONDS, Service, accepts


@dataclass
class Servers:
    """Running servers. They run as long as this process lives (or until `release`), and a few seconds longer."""

    database_url: str
    redis_url: str
    superuser_url: str
    instance: Instance
    _hold: FileLock = field(repr=False)

    def url_as(self, role: str) -> str:
        """The database's URL for another role, e.g. `etl_service`."""
        return self.instance.url_as(role)

    def release(self) -> None:
        """Says that this process does not use the servers any more."""
        _held.pop(self._hold.path.parent, None)
        self._hold.close()


@dataclass(frozen=True)
class Status:
    """How the servers of an instance are."""

    postgres: bool
    redis: bool
    guardian: bool
    in_use: bool
    home: Path
    run: Path


# One hold for each home and process: the lock must live as long as the process, whoever forgets the object.
_held: dict[Path, Servers] = {}


def start(profile: Profile = "default", version: int = 18) -> Servers:
    """Starts PostgreSQL and Redis unless they run, and keeps them for this process's life.

    `profile` is `default` (durable), `test` (quick, disposable, other data) or `redis` (no PostgreSQL); `version` is
    PostgreSQL's, 18 or 16. Takes 0.1 s when they run, 0.6 s when not, some seconds the first time. Raises a subclass
    of `EmbeddedError`, whose text says what happened, where, and what to do.
    """
    instance = Instance(profile, 0 if profile == "redis" else version)
    services = instance.services()
    place = instance.place
    if servers := _held.get(place.home):
        if all(service.is_ready() for service in services):
            return servers
        servers.release()
    with explained(place.home):
        hold = FileLock(place.users_lock)
    try:
        hold.share()
        hold.touch()
        with FileLock(place.start_lock) as lock:
            if not lock.take(timeout=START_SECONDS + 10):
                raise _slow(place)
            _bring_up(instance, services)
    except BaseException:
        hold.close()
        raise
    servers = Servers(instance.database_url, instance.redis_url, instance.superuser_url, instance, hold)
    _held[place.home] = servers
    return servers


def status(profile: Profile = "default", version: int = 18) -> Status:
    """How the servers are; starts nothing and makes nothing."""
    place = Instance(profile, 0 if profile == "redis" else version).place
    return Status(
        postgres=accepts(place.run / ".s.PGSQL.5432"),
        redis=accepts(place.redis_socket),
        guardian=_is_taken(place.guardian_lock),
        in_use=_is_shared(place.users_lock),
        home=place.home,
        run=place.run,
    )


def stop(profile: Profile = "default", version: int = 18) -> None:
    """Stops the servers now instead of some seconds after their last user. Raises `StillInUse` if there is one."""
    instance = Instance(profile, 0 if profile == "redis" else version)
    place = instance.place
    if servers := _held.get(place.home):
        servers.release()
    if not place.guardian_lock.exists():
        return
    with FileLock(place.guardian_lock) as guardian, FileLock(place.users_lock) as users:
        if not guardian.is_taken():
            # The guardian was killed. Another one stops what it left behind as it should be stopped.
            if not any(service.is_listening() for service in instance.services()):
                return
            _launch_guardian(instance)
        if users.is_shared():
            raise _in_use(place)
        # Whoever holds the lock wrote its process id into it, so this is no stale id.
        if guardian.is_taken():
            with suppress(ProcessLookupError):  # it ended this very moment
                os.kill(int(guardian.read()), signal.SIGTERM)
        if not guardian.take(timeout=2 * STOP_SECONDS):
            raise _in_use(place)


def remove(profile: Profile = "default", version: int = 18) -> None:
    """Stops the servers and deletes their data for good. Raises `StillInUse` if somebody uses them."""
    stop(profile, version)
    place = Instance(profile, 0 if profile == "redis" else version).place
    with explained(place.home):
        for folder in (place.run, place.home):
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
    with suppress(OSError):  # the folder of the checkout's instances: stays if there is another
        place.home.parent.rmdir()


def _bring_up(instance: Instance, services: list[Service]) -> None:
    """Makes sure that a guardian watches and that the servers answer. Under start.lock."""
    deadline = time.monotonic() + START_SECONDS
    with FileLock(instance.place.guardian_lock) as guardian:
        while True:
            if not guardian.is_taken():
                _launch_guardian(instance)
            if all(service.is_ready() for service in services):
                return
            if time.monotonic() > deadline:
                raise _slow(instance.place)
            time.sleep(0.05)


def _launch_guardian(instance: Instance) -> None:
    """Starts the guardian and waits until it reports that the servers answer, or why not."""
    place = instance.place
    reader, writer = os.pipe()
    with explained(place.log("guardian")):
        log = os.open(place.log("guardian"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    source = str(Path(__file__).resolve().parents[2])
    try:
        subprocess.run(
            [sys.executable, "-m", "assay.embedded.guardian", instance.name, str(writer)],
            cwd="/", env=os.environ | {"PYTHONPATH": _python_path(source)}, pass_fds=[writer], check=False,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(writer)
        os.close(log)
    with os.fdopen(reader) as pipe:
        line = pipe.readline()
    if not line:
        raise ServerDied(
            "The process that starts the servers ended unexpectedly.",
            where=place.log("guardian"),
            do="Read the lines below, and try again.",
            log=log_tail(place.log("guardian")),
        )
    if error := json.loads(line):
        raise revive(error)


def _python_path(source: str) -> str:
    inherited = os.environ.get("PYTHONPATH", "")
    # The guardian starts in "/": relative entries mean something else there.
    entries = [str(Path(entry).absolute()) for entry in inherited.split(os.pathsep) if entry]
    return os.pathsep.join([source, *entries])


def _is_taken(path: Path) -> bool:
    if not path.exists():
        return False
    with FileLock(path) as lock:
        return lock.is_taken()


def _is_shared(path: Path) -> bool:
    if not path.exists():
        return False
    with FileLock(path) as lock:
        return lock.is_shared()


def _slow(place: Place) -> StartTimeout:
    return StartTimeout(
        f"The embedded servers did not become ready within {START_SECONDS:.0f} seconds.",
        where=place.home,
        do="After a crash PostgreSQL may need longer: try again. `python -m assay.embedded status` shows what runs.",
        log=log_tail(place.log("postgres")),
    )


def _in_use(place: Place) -> StillInUse:
    return StillInUse(
        "The servers are in use by another process (perhaps `manage.py up` in another terminal).",
        where=place.users_lock,
        do="End that process first; the servers then stop by themselves.",
    )
