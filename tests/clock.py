"""A clock that tests move: days pass without waiting, for all who work on the test's database."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from psycopg import sql

_AS_IT_WAS = "CREATE OR REPLACE FUNCTION dwh_lineage.clock() RETURNS timestamptz LANGUAGE sql RETURN clock_timestamp()"
_STOPPED = "CREATE OR REPLACE FUNCTION dwh_lineage.clock() RETURNS timestamptz LANGUAGE sql RETURN {}::timestamptz"


class Clock:
    """Stands where it is put. The routine is replaced in this database alone; a real one has no way to be moved."""

    def __init__(self, now: datetime) -> None:
        self.put(now)

    def put(self, now: datetime) -> None:
        self.now = now
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(_STOPPED).format(sql.Literal(now.isoformat())))

    def wait(self, **length: float) -> None:
        """wait(hours=3): puts it forward."""
        self.put(self.now + timedelta(**length))

    def go_on(self) -> None:
        """Gives the database its own clock back."""
        with connection.cursor() as cursor:
            cursor.execute(_AS_IT_WAS)
