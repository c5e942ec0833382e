"""A pull: what an API has, into the bronze tables of its source. What is interrupted goes on where it was."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, LiteralString
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from lineage.connections import work_connection
from medallion.ingestion.copying import Connection
from medallion.ingestion.encoding import Encoding
from medallion.ingestion.json_copy import land
from medallion.ingestion.json_records import document
from medallion.pulling.errors import BadPageError, BusyError, PullError
from medallion.pulling.fetch import Fetcher, Page
from medallion.pulling.paging import Request, first_request, highest, next_request, records_of
from medallion.sources import HttpApi, json_path

_LOCK: LiteralString = "SELECT pg_try_advisory_xact_lock(1347766348, %s)"  # "PULL", and which source
_LAST: LiteralString = """
    SELECT p.id, p.pages, p.rows, p.highest, p.next_request FROM dwh_lineage.api_pulls AS p
    WHERE p.source = %s AND p.state IN ('running', 'failed') ORDER BY p.id DESC LIMIT 1
"""
_GO_ON: LiteralString = """
    UPDATE dwh_lineage.api_pulls SET state = 'running', error = '', progressed_at = clock_timestamp() WHERE id = %s
"""
_ABANDON: LiteralString = """
    UPDATE dwh_lineage.api_pulls SET state = 'abandoned', finished_at = clock_timestamp()
    WHERE source = %s AND state IN ('running', 'failed')
"""
_KNOWN: LiteralString = """
    SELECT p.highest FROM dwh_lineage.api_pulls AS p WHERE p.source = %s AND p.state = 'done' ORDER BY p.id DESC LIMIT 1
"""
_BEGIN: LiteralString = """
    INSERT INTO dwh_lineage.api_pulls (source, since, highest, next_request)
    VALUES (%(source)s, %(known)s, %(known)s, %(request)s) RETURNING id
"""
_TABLES: LiteralString = """
    SELECT t.target FROM dwh_lineage.targets AS t
    WHERE t.layer = 'bronze' AND t.contract -> 'source' ->> 'name' = %s ORDER BY t.target
"""
_INGEST: LiteralString = "SELECT dwh_etl.begin_ingestion(%s, %s, %s, in_batch_id => %s)"
_INGESTED: LiteralString = "SELECT dwh_etl.finish_ingestion(%s, %s, %s)"
# The page and the place where the pull goes on are one transaction: a page lands once, whatever dies.
_ADVANCE: LiteralString = """
    UPDATE dwh_lineage.api_pulls
    SET next_request = %(next)s, pages = pages + 1, rows = rows + %(rows)s, highest = %(highest)s,
        state = CASE WHEN %(next)s::jsonb IS NULL THEN 'done' ELSE 'running' END,
        finished_at = CASE WHEN %(next)s::jsonb IS NULL THEN clock_timestamp() END, progressed_at = clock_timestamp()
    WHERE id = %(id)s AND pages = %(pages)s
"""
_FAIL: LiteralString = """
    UPDATE dwh_lineage.api_pulls SET state = 'failed', error = %s, progressed_at = clock_timestamp() WHERE id = %s
"""


@dataclass(frozen=True)
class Pull:
    """How far a pull has come: its pages and rows that have landed, what it has seen of `since`, and the request that
    is next (None: it is done)."""

    id: int
    pages: int
    rows: int
    highest: str | None
    next_request: Request | None


Progress = Callable[[Pull], object]


def pull(
    source: type[HttpApi], *, restart: bool = False, run_id: UUID | None = None, progress: Progress | None = None
) -> Pull:
    """Pulls all pages of a source, each in a transaction of its own.

    A pull that did not come to its end goes on, unless `restart`. Raises PullError; what has landed stays.
    Raises psycopg.OperationalError where the connection to PostgreSQL is lost.
    """
    with _alone(source), work_connection("pull") as connection:
        found = _begin(connection, source, restart)
        try:
            with closing(Fetcher(source)) as fetcher:
                while found.next_request is not None:
                    found = _next_page(connection, source, found, found.next_request, fetcher, run_id)
                    if progress is not None:
                        progress(found)
        except PullError as error:
            connection.execute(_FAIL, (str(error), found.id))
            raise
    return found


@contextmanager
def _alone(source: type[HttpApi]) -> Iterator[None]:
    """Nobody else pulls this source for as long as the block lasts; the lock goes with the process."""
    with work_connection("pull lock") as connection, connection.transaction():
        if connection.execute(_LOCK, (zlib.crc32(source.name.encode()) - 2**31,)).fetchone() != (True,):
            raise BusyError(f"{source.name} is being pulled by another process. Wait for its end.")
        yield


def _begin(connection: Connection, source: type[HttpApi], restart: bool) -> Pull:
    """The pull that did not come to its end, or a new one."""
    last = connection.execute(_LAST, (source.name,)).fetchone()
    if last is not None and not restart:
        connection.execute(_GO_ON, (last[0],))
        return Pull(*last)
    connection.execute(_ABANDON, (source.name,))
    known = connection.execute(_KNOWN, (source.name,)).fetchone()
    high = known[0] if known is not None else None
    request = first_request(source, high)
    values = {"source": source.name, "known": high, "request": json.dumps(request)}
    (number,) = connection.execute(_BEGIN, values).fetchone() or (0,)
    return Pull(number, 0, 0, high, request)


def _next_page(
    connection: Connection, source: type[HttpApi], found: Pull, request: Request, fetcher: Fetcher, run_id: UUID | None
) -> Pull:
    """Fetches the page that is next and lands it."""
    if found.pages >= source.max_pages:
        raise BadPageError(
            f"{source.name} has more than {source.max_pages:,} pages. If that is right, raise max_pages of the source; "
            "else correct pages."
        )
    page = fetcher.page(request["url"], request["params"])
    payload = _json(source, page)
    records = records_of(source, payload)
    after = replace(
        found,
        pages=found.pages + 1,
        highest=highest(source, records, found.highest),
        next_request=next_request(source, request, page, payload, len(records)),
    )
    try:
        with connection.transaction():
            return _land(connection, source, page, found, after, run_id)
    except psycopg.Error as error:
        if connection.broken:
            raise
        said = " ".join(filter(None, (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)))
        raise BadPageError(f"{source.name}: PostgreSQL refused the page at {page.url}: {said or error}") from error


def _land(
    connection: Connection, source: type[HttpApi], page: Page, found: Pull, after: Pull, run_id: UUID | None
) -> Pull:
    label = f"{urlsplit(page.url).path}, page {after.pages} of pull {found.id}"
    rows = 0
    for (target,) in connection.execute(_TABLES, (source.name,)).fetchall():
        (batch_no,) = connection.execute(_INGEST, (target, source.name, label, run_id)).fetchone() or (0,)
        records = document([page.body], label, "utf-8", json_path(source.records))
        copied = land(connection, target, batch_no, records, Encoding("utf-8"))
        connection.execute(_INGESTED, (batch_no, copied.rows, copied.unreadable))
        rows += copied.rows
    values = {
        "id": found.id, "pages": found.pages, "rows": rows, "highest": after.highest,
        "next": None if after.next_request is None else json.dumps(after.next_request),
    }  # fmt: skip
    if connection.execute(_ADVANCE, values).rowcount != 1:
        raise BusyError(f"{source.name}: another process went on with pull {found.id} meanwhile.")
    return replace(after, rows=found.rows + rows)


def _json(source: type[HttpApi], page: Page) -> Any:
    try:
        return json.loads(page.body.decode())
    except (ValueError, RecursionError) as error:
        raise BadPageError(
            f"{source.name}: {page.url} answered with what is no JSON ({error}): {page.body[:120]!r}. Correct url or "
            "headers of the source, or tell who runs the API."
        ) from error
