"""Pages of an HTTP API: each in one transaction with the place where the pull goes on."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import Any, LiteralString
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from medallion.ingestion.copying import Connection
from medallion.ingestion.encoding import Encoding
from medallion.ingestion.json_copy import land
from medallion.ingestion.json_records import document
from medallion.ingestion.targets import tables_of
from medallion.pulling.advancing import Progress, Pull, Request, advance, begin_page, landed
from medallion.pulling.errors import BadPageError, refused_by_warehouse
from medallion.pulling.fetch import Fetcher, Page
from medallion.pulling.paging import highest, next_request, records_of
from medallion.sources import HttpApi, json_path

_INGESTED: LiteralString = "SELECT dwh_etl.finish_ingestion(%s, %s, %s)"


def pull_pages(
    connection: Connection, source: type[HttpApi], found: Pull, run_id: UUID | None, progress: Progress
) -> Pull:
    """Pulls what is left of an API's pages. Raises PullError."""
    with closing(Fetcher(source)) as fetcher:
        while found.next_request is not None:
            found = _next_page(connection, source, found, found.next_request, fetcher, run_id)
            progress(found)
    return found


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
        raise refused_by_warehouse(source.name, f"the page at {page.url}", error) from error


def _land(
    connection: Connection, source: type[HttpApi], page: Page, found: Pull, after: Pull, run_id: UUID | None
) -> Pull:
    for target in tables_of(connection, source):
        batch_no, label = begin_page(connection, source, target, urlsplit(page.url).path, after, run_id)
        records = document([page.body], label, "utf-8", json_path(source.records))
        copied = land(connection, target, batch_no, records, Encoding("utf-8"))
        connection.execute(_INGESTED, (batch_no, copied.rows, copied.unreadable))
        after = landed(after, copied.rows)
    return advance(connection, source, found, after)


def _json(source: type[HttpApi], page: Page) -> Any:
    try:
        return json.loads(page.body.decode())
    except (ValueError, RecursionError) as error:
        raise BadPageError(
            f"{source.name}: {page.url} answered with what is no JSON ({error}): {page.body[:120]!r}. Correct url or "
            "headers of the source, or tell who runs the API."
        ) from error
