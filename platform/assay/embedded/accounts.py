"""The operating-system user that the servers run as."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass

from assay.embedded.errors import NoAccount

NAME = "assay"


@dataclass(frozen=True)
class Account:
    """A user; `switched` says that we are root and become this user for the servers."""

    name: str
    uid: int
    gid: int
    switched: bool

    def run(self, command: list[str], cwd: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs `command` to its end as this user, with its output as text."""
        return subprocess.run(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False,
            user=self._user, group=self._group, extra_groups=self._groups,
        )  # fmt: skip

    def spawn(self, command: list[str], cwd: str, env: dict[str, str], log: int) -> subprocess.Popen[bytes]:
        """Starts `command` as this user in a session of its own; its output goes to the file descriptor `log`."""
        return subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, umask=0o077,
            user=self._user, group=self._group, extra_groups=self._groups,
        )  # fmt: skip

    @property
    def _user(self) -> int | None:
        return self.uid if self.switched else None

    @property
    def _group(self) -> int | None:
        return self.gid if self.switched else None

    @property
    def _groups(self) -> list[str | int] | None:
        return [] if self.switched else None


def find_account() -> Account:
    """Who runs the servers: you; or, when you are root, the system user `assay` (created if need be)."""
    uid = os.geteuid()
    if uid == 0:
        return _unprivileged()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise NoAccount(
            f"PostgreSQL needs a named user, and user id {uid} has no name on this machine.",
            where="/etc/passwd",
            do="Run as a user with an entry there, or set DATABASE_URL and REDIS_URL to servers of your own.",
        ) from None
    return Account(entry.pw_name, uid, os.getegid(), switched=False)


def _unprivileged() -> Account:
    # `postgres` comes last: it exists where a system PostgreSQL is installed, and is made for the same purpose.
    for name in (NAME, None, "postgres"):
        if name is None:
            _create()
        try:
            entry = pwd.getpwnam(name or NAME)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)
    raise NoAccount(
        "PostgreSQL refuses to run as root, and no unprivileged user could be created for it.",
        where="useradd",
        do=f"Create one (useradd --system {NAME}), run as an ordinary user, or set DATABASE_URL and REDIS_URL.",
    )


def _create() -> None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return
    shell = "/usr/sbin/nologin"
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "-s", shell, NAME]
    # Another checkout may create it at the same moment: what counts is whether it exists afterwards.
    subprocess.run(command, capture_output=True, check=False)
