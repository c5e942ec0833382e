"""Which rows the list of exceptions is about, as a selection that a decision freezes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.http import HttpRequest, QueryDict

from lineage.models import Target
from quality.filters import ExceptionFilter, midnight
from quality.models import QualityException, QualityRule
from quality.resolution import Selection
from quality.states import ExceptionState

#: What the address of the list may say, and of a page that decides about the list.
PARTS = ("target", "rule", "state", "key", "batch", "file", "assignee", "found_before")
MOST_CHOSEN = 500  # rows that are named one by one; a page shows 50


@dataclass(frozen=True)
class RowsQuestion:
    """Rows of a table that wait for a decision: chosen one by one, or all that the list is narrowed to."""

    target: Target
    selection: Selection
    said: str  # which rows, in words
    columns: list[str]
    waivable: list[str]  # rules of the table
    column: str | None = None
    suggestion: str | None = None
    rule: str | None = None  # all that the rows break

    @property
    def can_be_waived(self) -> bool:
        return bool(self.waivable)


class CannotChoose(Exception):
    """Rows about which nothing can be decided as they are chosen; the message says why."""


def question(request: HttpRequest) -> RowsQuestion:
    """What the address says: `?chosen=` for each row, or the list's filters with `?up_to=`. Raises CannotChoose."""
    if chosen := chosen_rows(request):
        targets = set(QualityException.objects.filter(pk__in=chosen).values_list("target_table", flat=True))
        if len(targets) != 1:
            raise CannotChoose("Choose rows of one table.")
        target = Target.objects.get(pk=targets.pop())
        return _asked(target, Selection(target.pk, exceptions=tuple(chosen)), f"{len(chosen)} chosen rows")
    return _of_filter(request.GET)


def chosen_rows(request: HttpRequest) -> list[int]:
    """The exceptions that the address names one by one."""
    named = request.GET.getlist("chosen")
    return [int(text) for text in named if text.isascii() and text.isdigit() and len(text) < 19][:MOST_CHOSEN]


def with_limit(said: QueryDict) -> str:
    """The filters as a query string, with the latest exception there is now: those that come later stay out."""
    kept = QueryDict(mutable=True)
    for name in PARTS:
        if value := said.get(name):
            kept[name] = str(value)
    kept["up_to"] = str(QualityException.objects.aggregate(latest=Max("pk"))["latest"] or 0)
    return kept.urlencode()


def _of_filter(said: QueryDict) -> RowsQuestion:
    narrowed = ExceptionFilter(said, queryset=QualityException.objects.none())
    if not narrowed.form.is_valid():
        raise CannotChoose("The filter cannot be understood. Go back to the list.")
    given: Mapping[str, Any] = narrowed.form.cleaned_data
    if not given["target"]:
        raise CannotChoose("Choose a table in the filter: a decision is about the rows of one.")
    if given["state"] not in ("", "any", ExceptionState.OPEN):
        raise CannotChoose("Only open rows can be decided about.")
    up_to = said.get("up_to", "")
    if not (up_to.isascii() and up_to.isdigit()):
        raise CannotChoose("The address lacks its limit. Go back to the list.")
    parts = {name: given[name] for name in ("key", "batch", "file")} | {"before": midnight(given["found_before"])}
    parts["assignee"] = given["assignee"]
    kept = {name: int(value) if name == "batch" else str(value) for name, value in parts.items() if value}
    selection = Selection(
        given["target"], issue=given["rule"] and given["rule"].pk, narrowed=kept | {"up_to": int(up_to)}
    )
    words = [f"{name} {value}" for name, value in kept.items()]
    if given["rule"]:
        words.insert(0, f"“{given['rule'].title}”")
    return _asked(
        Target.objects.get(pk=given["target"]),
        selection,
        "all open rows" + (f" with {', '.join(words)}" if words else ""),
    )


def _asked(target: Target, selection: Selection, said: str) -> RowsQuestion:
    rules = QualityRule.objects.filter(target=target, active=True, can_be_waived=True, is_check=False)
    waivable = list(rules.order_by("position").values_list("rule", flat=True))
    return RowsQuestion(target, selection, said, list(target.contract.get("source_columns", [])), waivable)
