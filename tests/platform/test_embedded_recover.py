"""Kill -9 of everything, one by one: the guardian, or the next start, brings the servers back with their data."""

from __future__ import annotations

import os
import signal
import time

import psycopg
import redis

from assay import embedded
from tests.platform import embedded_helpers as helpers


def _write(servers: embedded.Servers) -> None:
    with psycopg.connect(servers.database_url) as connection:
        connection.execute("SET synchronous_commit = on")  # which the profile `test` spares itself
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def _read(servers: embedded.Servers) -> object:
    with psycopg.connect(servers.database_url) as connection:
        return connection.execute("SELECT answer FROM kept").fetchone()


def test_a_killed_postgres_is_brought_back_by_the_guardian(servers: embedded.Servers) -> None:
    _write(servers)
    os.kill(before := helpers.postmaster(embedded.status("test").home), signal.SIGKILL)
    assert helpers.eventually(lambda: helpers.is_up() and helpers.postmaster(embedded.status("test").home) != before)
    embedded.start("test")
    assert _read(servers) == (42,)


def test_a_killed_redis_is_brought_back_by_the_guardian(servers: embedded.Servers) -> None:
    with redis.Redis.from_url(servers.redis_url) as client:
        before = client.info("server")["process_id"]
        os.kill(before, signal.SIGKILL)
    embedded.start("test")

    def is_another() -> bool:
        try:
            with redis.Redis.from_url(servers.redis_url) as again:
                return bool(again.info("server")["process_id"] != before)
        except redis.RedisError:
            return False

    assert helpers.eventually(is_another)


def test_postgres_and_guardian_killed_together_come_back_at_the_next_start(servers: embedded.Servers) -> None:
    _write(servers)
    home = embedded.status("test").home
    os.kill(int((home / "guardian.lock").read_text()), signal.SIGKILL)
    os.kill(helpers.postmaster(home), signal.SIGKILL)
    assert helpers.eventually(lambda: not embedded.status("test").postgres)
    again = embedded.start("test")
    assert embedded.status("test").guardian
    assert _read(again) == (42,)


def test_a_stale_process_id_that_is_in_use_again_does_not_stop_the_start(servers: embedded.Servers) -> None:
    _write(servers)
    home = embedded.status("test").home
    os.kill(int((home / "guardian.lock").read_text()), signal.SIGKILL)
    os.kill(helpers.postmaster(home), signal.SIGKILL)
    assert helpers.eventually(lambda: not embedded.status("test").postgres)
    time.sleep(0.5)  # its children follow it
    # As after the restart of a container: the id now belongs to a living process of the same user, our sleeper.
    sleeper = _sleeper()
    try:
        for path in (home / "data" / "postmaster.pid", embedded.status("test").run / ".s.PGSQL.5432.lock"):
            lines = path.read_text().split("\n")
            lines[0] = str(sleeper)
            path.write_text("\n".join(lines))
        assert _read(embedded.start("test")) == (42,)
    finally:
        os.kill(sleeper, signal.SIGKILL)
        os.waitpid(sleeper, 0)


def _sleeper() -> int:
    """A process of the servers' user."""
    from assay.embedded.accounts import find_account

    account = find_account()
    child = os.fork()
    if child == 0:
        if account.switched:
            os.setgid(account.gid)
            os.setuid(account.uid)
        signal.pause()
        os._exit(0)
    return child
