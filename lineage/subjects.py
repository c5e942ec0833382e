"""The tables that pages are about (lineage.pages.Page.about): permissions have to hold for them."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from lineage.models import Step, Target


def of_name(request: HttpRequest, name: str) -> Iterable[str]:
    """The table that the address names."""
    return _known(name)


def of_table(request: HttpRequest) -> Iterable[str]:
    """The table that stands behind `?table=`."""
    # PostgreSQL's text has no NUL; no table can be named so.
    return _known(request.GET.get("table", "").strip().replace("\0", ""))


def of_run(request: HttpRequest, run_id: int) -> Iterable[str]:
    """All tables that the run loads."""
    return Step.objects.filter(run=run_id).values_list("target", flat=True)


def of_step(request: HttpRequest, run_id: int, target: str) -> Iterable[str]:
    """The table that the step loads."""
    return _known(target)


def _known(name: str) -> Iterable[str]:
    """What is no table is nobody's: the page says that it is not there."""
    return Target.objects.filter(pk=name).values_list("pk", flat=True)
