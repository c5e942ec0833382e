"""A plan for people in a terminal, and as JSON for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from medallion.planning.changes import Plan, TableChange
from medallion.planning.dry_run import LoadOutcome
from medallion.planning.noting import Row
from medallion.planning.waiting import Waiting

_MARKS = {"create": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}
_CONSEQUENCES = {
    "anew": "The table is made anew, empty; the next run fills it from all its inputs",
    "rebuild": "The next run rebuilds it: all its inputs are looked at, what differs is written",
}


def show_changes(console: Console, plan: Plan, with_sql: bool) -> None:
    """The differences in words, their cost, and what to do next; with `with_sql` the SQL too."""
    if not plan.changes and not plan.statements:
        console.print("Nothing is to be migrated: the database is as the declarations say.")
        return
    for change in plan.changes:
        mark, colour = _MARKS[change.verb]
        console.print(Text(f"{mark} {change.target}", style=f"bold {colour}"))
        for sentence in change.words:
            console.print(Text(f"    {sentence}"))
        if change.consequence:
            console.print(Text(f"    → {_CONSEQUENCES[change.consequence]}{_cost(change)}.", style="cyan"))
    if plan.fed:
        console.print(f"Loaded after them, since they read them: {', '.join(plan.fed)}.")
    if with_sql:
        for statement in plan.statements:
            head = f"-- {statement.target} ({statement.migration or 'no migration yet'})"
            console.print(Text(f"\n{head}\n{statement.sql.rstrip()}"))
    written = {statement.migration for statement in plan.statements} - {None}
    steps = (["makemigrations"] if plan.unwritten else []) + ["migrate"]
    listed = f" ({', '.join(sorted(filter(None, written)))})" if written else ""
    console.print(f"Next: manage.py {', then '.join(steps)}{listed}.")


def _cost(change: TableChange) -> str:
    if change.rows is None:
        return ""
    seconds = "" if change.seconds is None else f", about {_duration(change.seconds)} as its loads have taken so far"
    return f" (about {change.rows:,} rows{seconds})"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def show_waiting(console: Console, waiting: list[Waiting]) -> None:
    """A line for each load that a run would do."""
    table = Table("table", "does", "batches", "rows", "after", box=SIMPLE_HEAD, pad_edge=False)
    for load in waiting:
        does = "is rebuilt" if load.rebuild else "loads" if load.batches else "nothing new"
        rows = "?" if load.rows is None else f"{load.rows:,}"
        table.add_row(load.target, does, f"{load.batches:,}", rows, ", ".join(load.needs))
    console.print(table)


def show_outcomes(console: Console, outcomes: list[LoadOutcome]) -> None:
    """What each load would do, and a few rows of each kind."""
    names = ("read", "inserted", "changed", "closed", "deleted", "rejected", "landed")
    table = Table("table", "", *names, box=SIMPLE_HEAD, pad_edge=False)
    for outcome in outcomes:
        said = {"nothing": "nothing new", "failed": "would fail"}.get(outcome.verb, outcome.verb)
        counts = [f"{getattr(outcome, name):,}" for name in names] if outcome.verb in ("load", "rebuild") else []
        table.add_row(outcome.target, said, *counts)
    console.print(table)
    for outcome in outcomes:
        if outcome.error:
            console.print(Text(f"{outcome.target}: {outcome.error}", style="red"))
        _show_samples(console, outcome)
    console.print("All of it was taken back: nothing has changed.")


def _show_samples(console: Console, outcome: LoadOutcome) -> None:
    samples = outcome.samples
    lines = [Text(f"  + {_row(row)}", style="green") for row in samples.inserted]
    lines += [Text(f"  ~ {_change(*pair)}", style="yellow") for pair in samples.changed]
    lines += [Text(f"  - {_row(row)}", style="red") for row in samples.deleted]
    lines += [Text(f"  ! {_row(row)}: {'; '.join(why)}", style="magenta") for row, why in samples.rejected]
    if lines:
        console.print(Text(f"{outcome.target}, for example", style="bold"))
        for line in lines:
            console.print(line)


def _row(row: Row) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in row.items())


def _change(was: Row, becomes: Row) -> str:
    """What stays tells which row it is; what changes is shown as before → after."""
    return ", ".join(
        f"{name} {_value(was.get(name))}" + ("" if was.get(name) == value else f" → {_value(value)}")
        for name, value in becomes.items()
    )


def _value(value: Any) -> str:
    return "–" if value is None else str(value)


def as_json(plan: Plan, waiting: list[Waiting], outcomes: list[LoadOutcome] | None) -> dict[str, Any]:
    """All of it as one object; `loads` only of a dry run."""
    found: dict[str, Any] = {**asdict(plan), "waiting": [asdict(load) for load in waiting]}
    return found if outcomes is None else found | {"loads": [asdict(outcome) for outcome in outcomes]}
