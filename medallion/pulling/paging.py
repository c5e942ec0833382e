"""Which request follows a page, and what the next pull asks for. Pure functions of pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from medallion.pulling.advancing import Request
from medallion.pulling.errors import BadPageError
from medallion.pulling.fetch import Page
from medallion.sources import Cursor, HttpApi, Link, Offset, PageNumber, Since, json_path


def first_request(source: type[HttpApi], since: str | None) -> Request:
    """Where a pull begins: {"url": …, "params": {…}}. `since`: what the pulls before have seen; None: nothing."""
    params: dict[str, str] = {}
    if source.since is not None and (asked := _asked(source.since, since)) is not None:
        params[source.since.param] = asked
    pages = source.pages
    if isinstance(pages, PageNumber):
        params[pages.param] = str(pages.first)
    elif isinstance(pages, Offset):
        params[pages.param] = "0"
    if isinstance(pages, PageNumber | Offset) and pages.size_param is not None and pages.size is not None:
        params[pages.size_param] = str(pages.size)
    return {"url": source.url, "params": params}


def next_request(source: type[HttpApi], request: Request, page: Page, payload: Any, records: int) -> Request | None:
    """What follows a page with so many records; None: it was the last."""
    pages, params = source.pages, dict(request["params"])
    match pages:
        case PageNumber():
            if records == 0 or (pages.size is not None and records < pages.size):
                return None
            params[pages.param] = str(int(params[pages.param]) + 1)
            return {"url": request["url"], "params": params}
        case Offset():
            if records < pages.size:
                return None
            params[pages.param] = str(int(params[pages.param]) + records)
            return {"url": request["url"], "params": params}
        case Cursor():
            cursor = at(payload, pages.at)
            if cursor in (None, "", False):
                return None
            following = {"url": request["url"], "params": {**params, pages.param: str(cursor)}}
        case Link():
            if page.link is None:
                return None
            # The link has all that the next request needs, and would otherwise say it twice.
            following = {"url": page.link, "params": {}}
        case _:
            return None
    if following == request:
        raise BadPageError(
            f"{source.name}: the page at {page.url} names itself as the next one. Correct pages in the source."
        )
    return following


def at(value: Any, path: str) -> Any:
    """What stands at a path, or None."""
    for key in json_path(path):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def records_of(source: type[HttpApi], payload: Any) -> list[Any]:
    """The records of a page. Raises BadPageError where there is no list, and no object, at their path."""
    found = at(payload, source.records)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [found]
    raise BadPageError(
        f"{source.name}: a page has no records at {source.records or 'its top'}, but "
        f"{type(found).__name__ if found is not None else 'nothing'}. Correct records in the source."
    )


def highest(source: type[HttpApi], records: Sequence[Any], known: str | None) -> str | None:
    """The highest of what was known and what the records have at `since`."""
    if source.since is None:
        return known
    values = [str(value) for record in records if (value := at(record, source.since.at)) is not None]
    try:
        best: str | None = max([*values, *([] if known is None else [known])], key=_ordered, default=None)
    except (ValueError, TypeError) as error:
        raise BadPageError(
            f"{source.name}: what stands at {source.since.at} are not all times, nor all whole numbers ({error}). "
            "Correct since in the source."
        ) from error
    return best


def _asked(since: Since, known: str | None) -> str | None:
    """What a pull asks for: what was known, less the overlap."""
    if known is None:
        return since.first
    if since.overlap is None:
        return known
    if isinstance(since.overlap, timedelta):
        earlier = str((_ordered(known) - since.overlap).isoformat())
        return earlier.replace("+00:00", "Z") if known.endswith("Z") else earlier
    return str(_ordered(known) - since.overlap)


def _ordered(value: str) -> Any:
    """A value that can be compared: a whole number or a time; one without a zone is in UTC."""
    if value.lstrip("-").isdigit():
        return int(value)
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
