"""One page of the rows of a cause, at the same cost for any cause, filter and place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.http import HttpRequest

from lineage.keyset import KeysetPage, keyset_page, place
from quality.models import ExceptionBreach, QualityIssue

#: Rows of the cause that are looked at in their order before the filter is asked instead.
LOOKED_AT = 5_000
_SHOWN = ("id", "issue_id", "rule", "column_name", "value", "message")


def rows_of_cause(
    request: HttpRequest, issue: QualityIssue, narrowed: QuerySet[Any, Any], are_few: bool
) -> KeysetPage[ExceptionBreach]:
    """The breaches of a cause whose exceptions are in `narrowed`, with these. Two queries, or three.

    Neither way is good for all: through the rows of the cause, where it has few or most fit the filter; through the
    rows that fit, where the cause has many. How many there are nobody counts, so the first is tried for some rows.
    """
    breach = ExceptionBreach.objects.filter(exception=OuterRef("pk"), issue=issue)
    fields = JSONObject(**{name: name for name in _SHOWN})
    narrowed = narrowed.annotate(breach=Subquery(breach.values(json=fields)[:1]))
    near = _near(request, issue)
    page = keyset_page(request, narrowed.filter(pk__in=near), "pk")
    goes_on = page.newer if place(request)[1] is not None else page.older
    if len(near) == LOOKED_AT and not goes_on:
        narrowed = narrowed.filter(Exists(breach), target_table=issue.target_id)
        page = keyset_page(request, narrowed, "pk", are_few=are_few)
    return replace(page, rows=[ExceptionBreach(**row.breach, exception=row) for row in page.rows])


def _near(request: HttpRequest, issue: QualityIssue) -> list[int]:
    """The exceptions of the cause next to the page's place. Uses index exception_breaches_issue_idx."""
    before, after = place(request)
    rows = issue.breaches.order_by("exception_id" if after is not None else "-exception_id")
    if after is not None:
        rows = rows.filter(exception_id__gt=after)
    elif before is not None:
        rows = rows.filter(exception_id__lt=before)
    return list(rows.values_list("exception_id", flat=True)[:LOOKED_AT])
