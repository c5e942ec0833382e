"""How far the running steps of a run are: what they said last, and what their backends wait for."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

# The backend that a lease names must still be one of ours: process numbers come again.
_RUNNING = """
SELECT l.step_id, l.worker, l.progress ->> 'message', l.cancel_requested, a.wait_event_type, pg_blocking_pids(a.pid),
       c.tuples_processed
FROM dwh_lineage.step_leases AS l
JOIN dwh_lineage.run_steps AS s ON s.id = l.step_id
LEFT JOIN pg_stat_activity AS a
    ON a.pid = (l.progress ->> 'pid')::integer AND a.datname = current_database() AND a.application_name LIKE 'assay %%'
LEFT JOIN pg_stat_progress_copy AS c ON c.pid = a.pid
WHERE s.run_id = %s AND s.state = 'running'
"""


@dataclass(frozen=True)
class Progress:
    """What is known of a running step; the backend's part is absent for its first seconds."""

    step_id: int
    worker: str
    said: str | None
    cancel_requested: bool
    waits_for: str | None
    blocked_by: list[int] | None
    rows_copied: int | None

    @property
    def words(self) -> str:
        """One line for a person."""
        words = [self.said] if self.said else []
        if self.rows_copied:
            words.append(f"{self.rows_copied:,} rows copied.")
        if self.cancel_requested:
            words.append("It is being stopped.")
        elif self.waits_for == "Lock":
            others = ", ".join(map(str, self.blocked_by or [])) or "another"
            words.append(f"Waits for a lock that backend {others} holds.")
        return " ".join(words)


def progress_of(run_id: int) -> dict[int, Progress]:
    """The running steps of a run, by step id."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING, [run_id])
        return {row[0]: Progress(*row) for row in cursor.fetchall()}
