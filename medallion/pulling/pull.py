"""A pull: what a source has, into its bronze tables. What is interrupted goes on where it was."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString
from uuid import UUID

from lineage.connections import work_connection
from medallion.ingestion.copying import Connection
from medallion.pulling.advancing import Progress, Pull, Request
from medallion.pulling.errors import BusyError, PullError
from medallion.sources import HttpApi, PostgresTable, Pulled

_LOCK: LiteralString = "SELECT pg_try_advisory_xact_lock(1347766348, %s)"  # "PULL", and which source
_LAST: LiteralString = """
    SELECT p.id, p.pages, p.rows, p.highest, p.next_request FROM dwh_lineage.pulls AS p
    WHERE p.source = %s AND p.state IN ('running', 'failed') ORDER BY p.id DESC LIMIT 1
"""
_GO_ON: LiteralString = """
    UPDATE dwh_lineage.pulls SET state = 'running', error = '', progressed_at = clock_timestamp() WHERE id = %s
"""
_ABANDON: LiteralString = """
    UPDATE dwh_lineage.pulls SET state = 'abandoned', finished_at = clock_timestamp()
    WHERE source = %s AND state IN ('running', 'failed')
"""
_KNOWN: LiteralString = """
    SELECT p.highest FROM dwh_lineage.pulls AS p WHERE p.source = %s AND p.state = 'done' ORDER BY p.id DESC LIMIT 1
"""
_BEGIN: LiteralString = """
    INSERT INTO dwh_lineage.pulls (source, since, highest, next_request)
    VALUES (%(source)s, %(known)s, %(known)s, %(request)s) RETURNING id
"""
_FAIL: LiteralString = """
    UPDATE dwh_lineage.pulls SET state = 'failed', error = %s, progressed_at = clock_timestamp() WHERE id = %s
"""


def pull(
    source: type[Pulled], *, restart: bool = False, run_id: UUID | None = None, progress: Progress | None = None
) -> Pull:
    """Pulls what a source has, page by page, each in a transaction of its own.

    A pull that did not come to its end goes on, unless `restart`. Raises PullError; what has landed stays.
    Raises psycopg.OperationalError where the connection to the warehouse is lost.
    """
    with _alone(source), work_connection("pull") as connection:
        found = _begin(connection, source, restart)
        try:
            return _go_on(connection, source, found, run_id, progress or _silent)
        except PullError as error:
            connection.execute(_FAIL, (str(error), found.id))
            raise


def _go_on(connection: Connection, source: type[Pulled], found: Pull, run_id: UUID | None, progress: Progress) -> Pull:
    # Each kind is imported where it is needed: an HTTP client takes a while.
    if issubclass(source, PostgresTable):
        from medallion.pulling.rows import pull_rows

        return pull_rows(connection, source, found, run_id, progress)
    if issubclass(source, HttpApi):
        from medallion.pulling.pages import pull_pages

        return pull_pages(connection, source, found, run_id, progress)
    raise TypeError(f"{source.__name__} is no kind of source that can be pulled.")


@contextmanager
def _alone(source: type[Pulled]) -> Iterator[None]:
    """Nobody else pulls this source for as long as the block lasts; the lock goes with the process."""
    with work_connection("pull lock") as connection, connection.transaction():
        if connection.execute(_LOCK, (zlib.crc32(source.name.encode()) - 2**31,)).fetchone() != (True,):
            raise BusyError(f"{source.name} is being pulled by another process. Wait for its end.")
        yield


def _begin(connection: Connection, source: type[Pulled], restart: bool) -> Pull:
    """The pull that did not come to its end, or a new one."""
    last = connection.execute(_LAST, (source.name,)).fetchone()
    if last is not None and not restart:
        connection.execute(_GO_ON, (last[0],))
        return Pull(*last)
    connection.execute(_ABANDON, (source.name,))
    known = connection.execute(_KNOWN, (source.name,)).fetchone()
    high, request = _first(source, known[0] if known is not None else None, restart)
    values = {"source": source.name, "known": high, "request": json.dumps(request)}
    (number,) = connection.execute(_BEGIN, values).fetchone() or (0,)
    return Pull(number, 0, 0, high, request)


def _first(source: type[Pulled], known: str | None, restart: bool) -> tuple[str | None, Request]:
    """Since when a new pull asks, and its first request."""
    if issubclass(source, HttpApi):
        from medallion.pulling.paging import first_request

        return known, first_request(source, known)
    # A table has all its rows still, so to begin anew is to begin at the first of them.
    return (None if restart else known), {"after": None, "place": None}


def _silent(so_far: Pull) -> None:
    """Nobody watches."""
