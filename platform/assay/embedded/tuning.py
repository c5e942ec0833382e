"""The configuration of the embedded PostgreSQL: one user, one machine, loads of millions of rows."""

from __future__ import annotations

import os
from pathlib import Path

from assay.embedded.places import Place

_MB = 1024 * 1024


def settings(place: Place, *, durable: bool) -> str:
    """The text of postgresql.conf. Not durable: quick and disposable, for tests."""
    values = _paths(place) | _sizes() | (_DURABLE if durable else _DISPOSABLE) | _COMMON
    lines = [f"{name} = '{_quoted(value)}'" for name, value in values.items()]
    return "# Written at each start; changes are lost. ALTER SYSTEM works.\n" + "\n".join(lines) + "\n"


def _paths(place: Place) -> dict[str, str]:
    return {
        "hba_file": str(place.conf / "pg_hba.conf"),
        "ident_file": str(place.conf / "pg_ident.conf"),
        "unix_socket_directories": str(place.run),
        "unix_socket_permissions": "0700",
        "listen_addresses": "",
    }


def _sizes() -> dict[str, str]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MB
    values = {
        "shared_buffers": f"{max(32, min(256, memory // 8))}MB",
        "work_mem": f"{max(8, min(64, memory // 64))}MB",
        "maintenance_work_mem": f"{max(32, min(256, memory // 16))}MB",
        "effective_cache_size": f"{max(128, memory // 2)}MB",
    }
    # Parallel queries share memory in /dev/shm, which containers make too small (64 MB) for one hash table.
    shm = Path("/dev/shm")  # noqa: S108
    if shm.is_dir() and os.statvfs(shm).f_bavail * os.statvfs(shm).f_frsize < 512 * _MB:
        values["dynamic_shared_memory_type"] = "mmap"
    return values


_COMMON = {
    "max_connections": "100",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiles for longer than our queries run
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    "lc_messages": "C.UTF-8",
}
_DURABLE: dict[str, str] = {}
_DISPOSABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5min",
}


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
