"""Which steps a run has, and in what order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import DatabaseError, connection, transaction

from medallion.execution.errors import RunRefused


@dataclass(frozen=True)
class PlannedStep:
    """One table's load: after the loads of the tables in `needs`."""

    target: str
    needs: list[str]
    rebuild: bool


def steps_upstream(wanted: Iterable[str]) -> list[PlannedStep]:
    """The steps that bring the tables `wanted` up to date: they and all that feeds them, in topological order.

    Raises RunRefused where a table is not installed, has no load, or where tables feed each other in a circle.
    """
    return _plan(list(wanted), rebuild=False)


def steps_of_rebuild(table: str) -> list[PlannedStep]:
    """The steps that write `table` anew and bring all that it feeds up to date, in topological order."""
    return _plan([table], rebuild=True)


def _plan(targets: list[str], rebuild: bool) -> list[PlannedStep]:
    statement = "SELECT step_target, step_needs, step_rebuild FROM dwh_lineage.plan_steps(%s::text[], %s)"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [targets, rebuild])
            return [PlannedStep(*row) for row in cursor.fetchall()]
    except DatabaseError as error:
        raise RunRefused.of(error) from None
