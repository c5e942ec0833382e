"""The end of the embedded servers: after their last user, however he ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from assay import embedded
from assay.embedded import errors, launcher
from tests.platform import embedded_helpers as helpers


def test_stop_ends_both_servers_and_the_guardian(servers: embedded.Servers) -> None:
    embedded.stop("test")
    found = embedded.status("test")
    assert (found.postgres, found.redis, found.guardian, found.in_use) == (False, False, False, False)


def test_servers_in_use_by_another_process_are_not_stopped(var: Path) -> None:
    holder = helpers.hold(var)
    try:
        with pytest.raises(errors.StillInUse, match="in use by another process"):
            embedded.stop("test")
        assert helpers.is_up()
    finally:
        holder.kill()
        holder.communicate()


def test_after_kill_9_of_the_last_user_the_servers_end_by_themselves(var: Path) -> None:
    holder = helpers.hold(var)
    holder.kill()
    holder.communicate()
    assert helpers.is_up(), "they linger for the next command"
    assert helpers.eventually(lambda: not embedded.status("test").guardian)
    found = embedded.status("test")
    assert (found.postgres, found.redis) == (False, False)


@pytest.mark.slow
def test_servers_live_as_long_as_one_of_two_users(var: Path) -> None:
    first, second = helpers.hold(var), helpers.hold(var)
    first.kill()
    assert not helpers.eventually(lambda: not helpers.is_up(), seconds=8)
    second.kill()
    assert helpers.eventually(lambda: not helpers.is_up())
    for process in (first, second):
        process.communicate()


def test_servers_left_by_a_killed_guardian_can_be_stopped(servers: embedded.Servers) -> None:
    guardian = int((embedded.status("test").home / "guardian.lock").read_text())
    os.kill(guardian, signal.SIGKILL)
    assert helpers.eventually(lambda: not embedded.status("test").guardian)
    assert helpers.is_up(), "its death alone disturbs nobody"
    embedded.stop("test")
    assert not helpers.is_up()


def test_removing_the_folder_under_the_servers_ends_them(servers: embedded.Servers) -> None:
    home = embedded.status("test").home
    held = launcher._held
    assert servers in held.values()
    (home / "guardian.lock").unlink()
    assert helpers.eventually(lambda: not embedded.status("test").postgres)
