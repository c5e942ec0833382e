"""A tick over many schedules against the same tick over one: what is not due should cost nothing."""

from __future__ import annotations

import statistics

import psycopg

from bench.report import Row, seconds
from medallion.models import Schedule
from medallion.schedules.tick import tick

PIPELINE = "bench_"


def run(connection_url: str, schedules: int = 10_000, tries: int = 5) -> list[Row]:
    """Hourly and daily schedules in several zones, none of them due; what it makes it takes away again."""
    with psycopg.connect(connection_url, autocommit=True) as connection:
        try:
            limit = _measure(connection, 1, tries)
            ours = _measure(connection, schedules, tries)
        finally:
            Schedule.objects.filter(pipeline__startswith=PIPELINE).delete()
    note = f"limit: a tick with 1 schedule; median of {tries}"
    return [Row(f"Tick, {schedules:,} schedules, none due", limit, ours, ours / limit, note)]


def _measure(connection: psycopg.Connection[tuple[object, ...]], schedules: int, tries: int) -> float:
    connection.execute(
        """
        INSERT INTO dwh_lineage.schedules (pipeline, cron, time_zone, next_at, fresh_until)
        SELECT %(prefix)s || g,
            CASE WHEN g %% 2 = 0 THEN '0 * * * *' ELSE '30 2 * * *' END,
            (ARRAY['UTC', 'Europe/Berlin', 'America/New_York'])[1 + g %% 3],
            now() + interval '1 hour' + g * interval '1 second', now() + interval '1 day'
        FROM generate_series(1, %(schedules)s) AS g
        ON CONFLICT (pipeline) DO NOTHING
        """,
        {"prefix": PIPELINE, "schedules": schedules},
    )
    connection.execute("ANALYZE dwh_lineage.schedules")
    tick()  # what is not ours, and what is read once
    return statistics.median(seconds(tick) for _ in range(tries))
