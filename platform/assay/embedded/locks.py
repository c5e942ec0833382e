"""Advisory file locks (flock): the kernel drops them with the process, even after kill -9."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType


class FileLock:
    """One open lock file. Locks belong to this object, not to the process: two objects exclude each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Waits for a shared lock."""
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def take(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds for the exclusive lock; says whether it was got."""
        deadline = time.monotonic() + timeout
        while not self.try_take():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def try_take(self) -> bool:
        """Takes the exclusive lock if it is free."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def drop(self) -> None:
        """Gives the lock back and keeps the file open."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def is_taken(self) -> bool:
        """Whether somebody else holds it, shared or exclusively. Only for an object that holds nothing itself."""
        if self.try_take():
            self.drop()
            return False
        return True

    def is_shared(self) -> bool:
        """Whether somebody else holds it shared. Only for an object that holds nothing itself."""
        if not self.is_taken():
            return False
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False  # somebody has it for himself
        self.drop()
        return True

    def write(self, text: str) -> None:
        """Replaces the file's contents."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def read(self) -> str:
        """The file's contents."""
        return os.pread(self._fd, 1000, 0).decode()

    def touch(self) -> None:
        """Sets the file's time to now."""
        os.utime(self._fd)

    def age(self) -> float:
        """Seconds since the file was touched or written."""
        return time.time() - os.fstat(self._fd).st_mtime

    def is_orphaned(self) -> bool:
        """Whether the file was deleted or replaced behind our back."""
        try:
            return self.path.lstat().st_ino != os.fstat(self._fd).st_ino
        except OSError:
            return True

    def close(self) -> None:
        """Gives the lock back and closes the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
