"""What can go wrong with the embedded servers.

Every error says three things: what happened, where, and what to do. They cross from the guardian process to the
process that asked for the servers as JSON, which is why they are built from plain strings.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_SPACE = "No space left on device"


class EmbeddedError(RuntimeError):
    """Base of all errors here; `what`, `where` and `do` are sentences for a person."""

    def __init__(self, what: str, *, where: str | Path, do: str, log: list[str] | None = None) -> None:
        self.what, self.where, self.do, self.log = what, str(where), do, log or []
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [self.what, f"  where: {self.where}", f"  do:    {self.do}"]
        if self.log:
            lines += ["  last lines of its log:", *(f"    {line}" for line in self.log)]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """The error as JSON can carry it; `revive` is the way back."""
        return {"kind": type(self).__name__, "what": self.what, "where": self.where, "do": self.do, "log": self.log}


class BinariesMissing(EmbeddedError):
    """PostgreSQL's or Redis's programs are not installed."""


class NoAccount(EmbeddedError):
    """There is no operating-system user that may run PostgreSQL."""


class NotWritable(EmbeddedError):
    """A folder cannot be created or written."""


class DiskFull(EmbeddedError):
    """The disk that holds the data is full."""


class UnsafeDirectory(EmbeddedError):
    """A folder that must be private belongs to somebody else, is a link, or is open to others."""


class SocketTaken(EmbeddedError):
    """Another server answers where ours should."""


class ServerDied(EmbeddedError):
    """A server ended while it was starting."""


class StartTimeout(EmbeddedError):
    """A server runs but does not become ready."""


class StillInUse(EmbeddedError):
    """Servers cannot be stopped, because a process is using them."""


_KINDS: dict[str, type[EmbeddedError]] = {
    kind.__name__: kind
    for kind in (
        BinariesMissing, NoAccount, NotWritable, DiskFull, UnsafeDirectory,
        SocketTaken, ServerDied, StartTimeout, StillInUse,
    )
}  # fmt: skip


def revive(data: dict[str, object]) -> EmbeddedError:
    """The error that `as_dict` described."""
    log = data.get("log")
    return _KINDS.get(str(data.get("kind")), EmbeddedError)(
        str(data.get("what")),
        where=str(data.get("where")),
        do=str(data.get("do")),
        log=[str(line) for line in log] if isinstance(log, list) else [],
    )


def disk_full(where: str | Path) -> DiskFull:
    """The one message for a full disk."""
    return DiskFull(
        "The disk is full.",
        where=where,
        do="Free some space (an empty warehouse needs about 100 MB), or set ASSAY_VAR to a folder on another disk; "
        "then try again: nothing is half-written.",
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns the operating system's errors about `path` into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(path) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NotWritable(
                f"No permission to write: {error.strerror}.",
                where=error.filename or path,
                do="Give yourself the right to write there, or set ASSAY_VAR to a folder that you may write.",
            ) from error
        if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ELOOP):
            raise UnsafeDirectory(
                f"Something else stands where a folder or file of ours should be: {error.strerror}.",
                where=error.filename or path,
                do="Look at what it is, and move it away.",
            ) from error
        raise


def log_tail(log: Path, since: int = 0, lines: int = 12) -> list[str]:
    """The last lines of a log file, from byte `since` on; nothing when it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(since, file.seek(0, 2) - 20_000))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []
