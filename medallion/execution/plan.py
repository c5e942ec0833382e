"""Which steps a run has, and in what order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from django.db import connection

from medallion.execution.errors import RunRefused


@dataclass(frozen=True)
class Installed:
    """A row of `dwh_lineage.targets`, with the tables whose batches it takes."""

    target: str
    load_routine: str | None
    rebuild_routine: str | None
    needs_rebuild: bool
    inputs: list[str]


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
    installed = _installed()
    names = list(wanted)
    if not names:
        raise RunRefused("There is no table to load.", "Name the pipeline's tables in `targets`.")
    for name in names:
        _require_load(name, installed)
    chosen = _reachable(names, {t.target: t.inputs for t in installed.values()})
    return _ordered(chosen, installed, rebuilt=frozenset())


def steps_of_rebuild(table: str) -> list[PlannedStep]:
    """The steps that write `table` anew and bring all that it feeds up to date, in topological order."""
    installed = _installed()
    if not _require_load(table, installed).rebuild_routine:
        raise RunRefused(f"The table {table} has no rebuild.", "Name its rebuild_routine in dwh_lineage.targets.")
    fed: dict[str, list[str]] = {name: [] for name in installed}
    for target in installed.values():
        for source in target.inputs:
            fed[source].append(target.target)
    return _ordered(_reachable([table], fed), installed, rebuilt=frozenset({table}))


def _installed() -> dict[str, Installed]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.target, t.load_routine, t.rebuild_routine, t.needs_rebuild,
                   array(SELECT i.source FROM dwh_lineage.target_inputs AS i WHERE i.consumer = t.target ORDER BY 1)
            FROM dwh_lineage.targets AS t
            """
        )
        return {row[0]: Installed(*row) for row in cursor.fetchall()}


def _require_load(name: str, installed: dict[str, Installed]) -> Installed:
    target = installed.get(name)
    if target is None:
        raise RunRefused(
            f"The table {name} is not installed.",
            "Declare it in a warehouse.py and run makemigrations and migrate; or correct the name.",
        )
    if not target.load_routine:
        raise RunRefused(
            f"The table {name} is not loaded from other tables.", "A bronze table is filled by manage.py ingest."
        )
    return target


def _reachable(start: Iterable[str], edges: dict[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting.extend(edges[name])
    return seen


def _ordered(chosen: set[str], installed: dict[str, Installed], rebuilt: frozenset[str]) -> list[PlannedStep]:
    # Sorted, so that equal declarations give equal plans.
    loads = sorted(name for name in chosen if installed[name].load_routine)
    needs = {name: [i for i in installed[name].inputs if i in chosen and installed[i].load_routine] for name in loads}
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise RunRefused(
            f"These tables feed each other in a circle: {' → '.join(error.args[1])}.",
            "Change the declaration of one of them: a table cannot be made from itself.",
        ) from None
    return [
        PlannedStep(
            name,
            needs[name],
            rebuild=name in rebuilt or (installed[name].needs_rebuild and bool(installed[name].rebuild_routine)),
        )
        for name in order
    ]
