"""What the database says while a step is worked at: the step's log."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any

from psycopg.errors import Diagnostic

MOST = 100
"""The latest so many are kept: a load that says something for each row fills no attempt."""

# `DROP TABLE IF EXISTS` of what is not there, which loads do at every step: nothing to read.
_SAYS_NOTHING = ("DropErrorMsgNonExistent", "does_not_exist_skipping")


class Notices:
    """Collects a connection's notices; give `hear` to its `add_notice_handler`."""

    def __init__(self) -> None:
        self._heard: deque[dict[str, Any]] = deque(maxlen=MOST)

    def hear(self, said: Diagnostic) -> None:
        if said.source_function in _SAYS_NOTHING:
            return
        entry = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "severity": said.severity_nonlocalized or said.severity,
            "sqlstate": said.sqlstate if said.sqlstate != "00000" else None,
            "message": said.message_primary,
            "detail": said.message_detail,
            "hint": said.message_hint,
        }
        self._heard.append({name: value for name, value in entry.items() if value})

    @property
    def latest(self) -> dict[str, Any] | None:
        return self._heard[-1] if self._heard else None

    def all(self) -> list[dict[str, Any]]:
        """What was heard, the oldest first: `at`, `severity`, `message`, and `sqlstate`, `detail`, `hint` if said."""
        return list(self._heard)
