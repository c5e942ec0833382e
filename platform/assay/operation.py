"""The doctor's looks at what works: workers, the sweeper, and runs in which nothing happens."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from assay import servers
from assay.finding import Finding
from lineage.templatetags.assay import duration
from lineage.ticks import LIMITS, since_tick
from lineage.workers import workers_alive

STUCK_MINUTES = 10

# Nobody works at it, nothing of it has begun or ended for so long, and there is a worker that could.
_STUCK = """
SELECT r.run_id, r.pipeline_name, r.status, clock_timestamp() - h.last
FROM dwh_lineage.pipeline_runs AS r
CROSS JOIN LATERAL (
    SELECT greatest(r.created_at, r.started_at, max(a.started_at), max(a.ended_at), max(s.ended_at)) AS last
    FROM dwh_lineage.run_steps AS s LEFT JOIN dwh_lineage.step_attempts AS a ON a.step_id = s.id
    WHERE s.run_id = r.run_id
    HAVING count(*) > 0  -- from SQL alone a run has no steps, and nobody knows what it does
) AS h
WHERE r.status IN ('pending', 'running', 'cancelling')
    AND h.last < clock_timestamp() - make_interval(mins => %(minutes)s)
    AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.step_leases AS l JOIN dwh_lineage.run_steps AS s ON s.id = l.step_id
        WHERE s.run_id = r.run_id AND l.until > clock_timestamp()
    )
    AND (%(alive)s = 0 OR %(alive)s > (SELECT count(*) FROM dwh_lineage.step_leases))
ORDER BY r.run_id
"""


def look_at_operation() -> Iterator[Finding]:
    """Workers, the sweeper, stuck runs. On the embedded servers nothing has to run, unless a run waits for it."""
    alive = workers_alive()
    needed = not servers.is_embedded_database() or _runs_wait()
    if alive:
        yield Finding("Workers", f"{alive} alive")
    else:
        yield Finding("Workers", "none is alive", needed, "Start one: celery -A assay worker; everything: make up")
    yield _sweeper(needed)
    yield from _stuck_runs(alive)


def _runs_wait() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM dwh_lineage.pipeline_runs AS r"
            " JOIN dwh_lineage.run_steps AS s ON s.run_id = r.run_id"
            " WHERE r.status IN ('pending', 'running', 'cancelling'))"
        )
        return bool(cursor.fetchone()[0])


def _sweeper(needed: bool) -> Finding:
    age = since_tick("sweep")
    when = f"swept {duration(age)} ago" if age is not None else "has never swept"
    if age is not None and age <= LIMITS["sweep"]:
        return Finding("Sweeper", when)
    advice = "Beat asks for it every 5 seconds, and a worker does it. Start both: make up, or celery -A assay beat"
    return Finding("Sweeper", when, needed, advice)


def _stuck_runs(alive: int) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_STUCK, {"minutes": STUCK_MINUTES, "alive": alive})
        found = cursor.fetchall()
    for run, pipeline, status, still in found:
        yield Finding(
            "Runs", f"run {run} of {pipeline} is {status}, and nothing has happened in it for {duration(still)}", True,
            f"manage.py workers shows who could work, and their queues. To end the run: manage.py run --cancel {run}",
        )  # fmt: skip
    if not found:
        yield Finding("Runs", "none is stuck")
