"""The connections that loads and ingestions work on: outside of Django's, with a role and time limits of their own.

And the transactions on Django's connection that others wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg.rows import TupleRow

ROLE = "etl_service"

# Where the role could not be created, or may not be taken, loads run as who connects (lineage/sql/roles.sql says so).
_TAKE_ROLE: LiteralString = """
    SELECT set_config('role', %(role)s, false)
    WHERE CASE WHEN to_regrole(%(role)s) IS NULL THEN false ELSE pg_has_role(current_user, %(role)s, 'SET') END
"""
SILENT_SECONDS = 10.0
_SET: LiteralString = "SELECT set_config(%s, %s, false)"
_LIMIT: LiteralString = """
    SELECT set_config('statement_timeout', %(statement)s, false), set_config('lock_timeout', %(lock)s, false),
        set_config('idle_in_transaction_session_timeout', %(idle)s, false)
"""


def work_connection(
    purpose: str = "load",
    *,
    statement_timeout: float = 0,
    lock_timeout: float = 0,
    idle_in_transaction_session_timeout: float = 0,
) -> psycopg.Connection[TupleRow]:
    """A new psycopg connection to the default database, as `etl_service` where that may be; the caller closes it.

    Autocommit is on: use `with connection.transaction()`. In pg_stat_activity it is `assay <purpose>`. Timeouts are in
    seconds; 0 means none. The server notices a client that died within a second, so its locks go too.
    Raises psycopg.OperationalError where the server cannot be reached.
    """
    parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
    for django_only in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(django_only, None)
    parameters |= {"autocommit": True, "application_name": f"assay {purpose}"}
    connection: psycopg.Connection[TupleRow] = psycopg.connect(**parameters)
    try:
        limits = {"statement": statement_timeout, "lock": lock_timeout, "idle": idle_in_transaction_session_timeout}
        connection.execute(_LIMIT, {name: f"{round(seconds * 1000)}ms" for name, seconds in limits.items()})
        # A server on a system that cannot look at a socket's other end refuses the check; work goes on without it.
        with suppress(psycopg.errors.InvalidParameterValue):
            connection.execute(_SET, ("client_connection_check_interval", "1s"))
        connection.execute(_TAKE_ROLE, {"role": ROLE})
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def brief_transaction() -> Iterator[None]:
    """A transaction on Django's connection that the server ends where 10 seconds pass between two of its statements.

    For what locks rows, or the sweep, that all others need: a process that stands still (SIGSTOP, a machine that
    sleeps) would keep them for as long. Within another transaction it changes nothing: that one's owner decides.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('idle_in_transaction_session_timeout', %s, true)",
                    [f"{round(SILENT_SECONDS * 1000)}ms"],
                )
        yield
