"""Paging by key: a page costs the same whether it is the first or the 90,000th, and no row is shown twice or missed
while others arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
PAGE_SIZE = 50
LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True)
class KeysetPage(Generic[M]):
    """Rows by descending key, and the query strings of the pages beside them ("" where there is none)."""

    rows: list[M]
    newer: str
    older: str


def keyset_page(
    request: HttpRequest, rows: QuerySet[M, M], key: str, size: int = PAGE_SIZE, are_few: bool = False
) -> KeysetPage[M]:
    """One page of `rows` by descending integer column `key`, which must be unique and indexed with the filters.

    The place comes from the request: `?before=K` are the rows below K, `?after=K` those above. What is no number
    counts as absent: the first page. are_few: the filters leave few rows, which have to be found by an index of theirs;
    going through all rows in the order of the key, as the planner likes to do for a page, would take for ever.
    """
    before, after = place(request)
    order = F(key) + 0 if are_few else F(key)
    if after is not None:
        # One more than the page shows whether there is a next one, without counting.
        found = list(rows.filter(**{f"{key}__gt": after}).order_by(order.asc())[: size + 1])
        has_newer, has_older = len(found) > size, True
        shown = found[:size][::-1]
    else:
        if before is not None:
            rows = rows.filter(**{f"{key}__lt": before})
        found = list(rows.order_by(order.desc())[: size + 1])
        has_newer, has_older = before is not None, len(found) > size
        shown = found[:size]
    return KeysetPage(
        rows=shown,
        newer=_query(request, after=_key(shown[0], key)) if shown and has_newer else "",
        older=_query(request, before=_key(shown[-1], key)) if shown and has_older else "",
    )


def place(request: HttpRequest) -> tuple[int | None, int | None]:
    """Below and above which key the page is."""
    return _place(request, "before"), _place(request, "after")


def _place(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:19]), LARGEST_KEY)


def _key(row: Model, key: str) -> Any:
    return getattr(row, key)


def _query(request: HttpRequest, **place: int) -> str:
    """The page's own query string, filters included, at another place."""
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    for name, value in place.items():
        query[name] = str(value)
    return f"?{query.urlencode()}"
