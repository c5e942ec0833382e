"""Signs of life: what beat asks for leaves one when it is done, and `doctor` and `/healthz` read it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

LIMITS = {"tick": timedelta(seconds=120), "sweep": timedelta(seconds=60)}
"""How old a sign of life may be: beat asks for the tick every 30 seconds, for the sweep every 5."""


def clock() -> datetime:
    """The time by which schedules start and freshness is judged: the database's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT dwh_lineage.clock()")
        (now,) = cursor.fetchone()
    moment: datetime = now
    return moment


def record_tick(name: str) -> None:
    """Notes that `name` was done now. Part of the transaction at hand: work that is rolled back is no sign of life."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.ticks (name, at) VALUES (%s, clock_timestamp())"
            " ON CONFLICT (name) DO UPDATE SET at = excluded.at",
            [name],
        )


def since_tick(name: str) -> timedelta | None:
    """How long ago `name` was last done, by the database's clock; None: never."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() - at FROM dwh_lineage.ticks WHERE name = %s", [name])
        row = cursor.fetchone()
    age: timedelta | None = row and row[0]
    return age
