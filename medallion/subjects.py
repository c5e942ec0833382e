"""The tables that pages of pipelines and files are about (lineage.pages.Page.about): permissions must hold for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from lineage.models import Backfill, Target
from lineage.permissions import targets_of
from medallion.models import InstalledPipeline, Schedule


def of_bronze(request: HttpRequest, table: str) -> Iterable[str]:
    """The table that the address names."""
    return Target.objects.filter(pk=table).values_list("pk", flat=True)


def of_schedule(request: HttpRequest, schedule_id: int) -> Iterable[str]:
    """The tables of the pipeline that it runs."""
    return _of_pipelines(Schedule.objects.filter(pk=schedule_id).values_list("pipeline", flat=True))


def of_backfill(request: HttpRequest, backfill_id: int) -> Iterable[str]:
    """The tables of the pipeline that it runs."""
    return _of_pipelines(Backfill.objects.filter(pk=backfill_id).values_list("pipeline", flat=True))


def pipelines_of(user: Any, permission: str) -> list[str] | None:
    """The pipelines for all of whose tables somebody has a permission; None: all."""
    tables = targets_of(user, permission)
    if tables is None:
        return None
    return list(InstalledPipeline.objects.filter(targets__contained_by=sorted(tables)).values_list("pk", flat=True))


def require_pipeline(user: Any, permission: str, pipeline: str) -> None:
    """Raises PermissionDenied where somebody lacks a permission for one of a pipeline's tables."""
    allowed = pipelines_of(user, permission)
    if allowed is not None and pipeline not in allowed:
        raise PermissionDenied(f"Your permission {permission} does not hold for all tables of {pipeline}.")


def _of_pipelines(names: Iterable[str]) -> Iterable[str]:
    found = InstalledPipeline.objects.filter(pk__in=names)
    return {table for tables in found.values_list("targets", flat=True) for table in tables}
