"""Reading who works: the workers that gave a sign of life, and what each does now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

BEAT_SECONDS = 10.0
ALIVE_SECONDS = 45.0
"""A worker writes its row every BEAT_SECONDS; one that has not for so long is taken for dead."""
FORGOTTEN_DAYS = 1

# A lease of nobody on record is one of a process that carries out a single run, in a terminal.
_WORKERS = """
WITH now AS (
    SELECT DISTINCT ON (l.worker) l.worker, s.run_id, r.pipeline_name, s.target, a.started_at, l.until
    FROM dwh_lineage.step_leases AS l
    JOIN dwh_lineage.run_steps AS s ON s.id = l.step_id
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id
    JOIN dwh_lineage.step_attempts AS a ON a.step_id = l.step_id AND a.token = l.token
    ORDER BY l.worker, l.until DESC
)
SELECT coalesce(w.name, now.worker) AS name,
       coalesce(w.host, regexp_replace(now.worker, ':[^:]*$', '')) AS host,
       coalesce(w.pid, substring(now.worker FROM ':([0-9]+)$')::integer, 0) AS pid,
       coalesce(w.started_at, now.started_at) AS started, coalesce(w.seen_at, least(now.until, clock_timestamp())),
       coalesce(w.version, ''), coalesce(w.queues, '{}'), coalesce(w.steps, 0), coalesce(w.busy_seconds, 0),
       coalesce(w.seen_at > clock_timestamp() - make_interval(secs => %(alive)s), now.until > clock_timestamp())
           AS is_alive,
       now.run_id, now.pipeline_name, now.target, now.started_at
FROM dwh_lineage.workers AS w FULL JOIN now ON now.worker = w.name
ORDER BY is_alive DESC, host, started, pid
"""


@dataclass(frozen=True)
class WorkerState:
    """A worker with what it works at (`run_id`, `pipeline`, `target`, `since`: None where it waits); `queues` is empty
    where it carries out one run in a terminal."""

    name: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    version: str
    queues: list[str]
    steps: int
    busy_seconds: float
    is_alive: bool
    run_id: int | None
    pipeline: str | None
    target: str | None
    since: datetime | None

    @property
    def state(self) -> str:
        """lost, working or idle."""
        if not self.is_alive:
            return "lost"
        return "working" if self.target else "idle"

    @property
    def load(self) -> float:
        """Which part of its life it worked, from 0 to 1; the step at hand counts when it has ended."""
        lived = (self.seen_at - self.started_at).total_seconds()
        return min(1.0, self.busy_seconds / lived) if lived > 0 else 0.0


def workers() -> list[WorkerState]:
    """All workers on record, the living first, by host."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS, {"alive": ALIVE_SECONDS})
        return [WorkerState(*row) for row in cursor.fetchall()]


def workers_alive() -> int:
    """How many workers gave a sign of life just now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM dwh_lineage.workers AS w"
            " WHERE w.seen_at > clock_timestamp() - make_interval(secs => %s)",
            [ALIVE_SECONDS],
        )
        return int(cursor.fetchone()[0])


def forget_workers() -> int:
    """Takes workers off the record that have not been seen for FORGOTTEN_DAYS; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM dwh_lineage.workers AS w WHERE w.seen_at < clock_timestamp() - make_interval(days => %s)",
            [FORGOTTEN_DAYS],
        )
        return int(cursor.rowcount)
