"""Following a run in the terminal: a live table for a person, a line for each change for a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lineage.messages import celery_app
from lineage.models import PipelineRun
from lineage.progress import progress_of
from lineage.runs import DONE
from lineage.states import LIVE_RUN_STATES
from medallion.execution.work import Failure

NO_WORKER_SECONDS = 8.0
_POLL_SECONDS = 0.25
_COLOURS = {"succeeded": "green", "skipped": "green", "running": "cyan", "retrying": "yellow", "failed": "red"}


@dataclass(frozen=True)
class StepLine:
    """A step as it is shown; counts are rows, None where the load has not ended or nothing was new."""

    target: str
    state: str
    read: int | None
    inserted: int | None
    updated: int | None
    rejected: int | None
    seconds: float | None
    attempts: int
    error: str | None

    @property
    def is_new(self) -> bool:
        """Whether the load found anything to do."""
        return self.read is not None

    def __str__(self) -> str:
        words = f"{self.target:<40} {self.state}"
        if self.state == "succeeded":
            counts = f"read {self.read or 0:,}, inserted {self.inserted or 0:,}, updated {self.updated or 0:,}"
            words += f": {counts}, rejected {self.rejected or 0:,}" if self.is_new else ": nothing new"
            words += f" ({self.seconds or 0:.2f} s)"
        elif self.error:
            words += f": {self.error}"
        return words


def steps_of(run_id: int) -> list[StepLine]:
    """The steps of a run, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.target, s.state, b.rows_read, b.rows_inserted, b.rows_updated, b.rows_rejected,
                   extract(epoch FROM coalesce(s.ended_at, clock_timestamp()) - s.started_at)::float8,
                   s.token, s.error_message
            FROM dwh_lineage.run_steps AS s
            LEFT JOIN dwh_lineage.batches AS b ON b.batch_no = s.batch_no
            WHERE s.run_id = %s ORDER BY s.position
            """,
            [run_id],
        )
        return [StepLine(*row) for row in cursor.fetchall()]


def follow(run: PipelineRun, console: Console, needs_worker: bool) -> None:
    """Shows a run until it ends. Raises CommandError where `needs_worker` and none answers."""
    started = time.monotonic()
    shown: dict[str, StepLine] = {}
    with Live(console=console, auto_refresh=False) if console.is_terminal else _NoLive() as live:
        while True:
            run.refresh_from_db()
            steps = steps_of(run.pk)
            if console.is_terminal:
                live.update(_view(run, steps), refresh=True)
            else:
                _print_changes(console, steps, shown)
            if run.status not in LIVE_RUN_STATES:
                return
            if needs_worker and time.monotonic() - started > NO_WORKER_SECONDS:
                needs_worker = _is_waiting_for_worker(run, steps)
            time.sleep(_POLL_SECONDS)


def report(run: PipelineRun, console: Console) -> None:
    """Says how a run ended. Raises CommandError unless it completed."""
    if run.status == "completed":
        counts = run.metrics
        if not counts.get("batches"):
            console.print(f"Run {run.pk} of {run.pipeline_name}: nothing new ({counts['seconds']} s).", soft_wrap=True)
            return
        kinds = ("inserted", "updated", "deleted", "rejected")
        said = ", ".join(f"{kind} {counts[f'rows_{kind}']:,}" for kind in kinds)
        summary = f"Run {run.pk} of {run.pipeline_name} completed: {said} ({counts['seconds']} s)."
        console.print(summary, soft_wrap=True)
        return
    if run.status == "cancelled":
        raise CommandError(f"Run {run.pk} of {run.pipeline_name} was cancelled. Loads that had finished stay.")
    lines = [f"Run {run.pk} of {run.pipeline_name} failed."]
    for step in run.steps.filter(state="failed").order_by("position"):
        lines.append(f"  {step.target}: {Failure(step.error_sqlstate, step.error_message or '')}")
        if step.error_hint:
            lines.append(f"    hint: {step.error_hint}")
    waiting = run.steps.filter(state="upstream_failed").count()
    if waiting:
        lines.append(f"  {waiting} more wait for it.")
    lines.append(f"What had succeeded stays. Repair the cause, then: manage.py run --resume {run.pk}")
    raise CommandError("\n".join(lines))


class _NoLive:
    """Stands for rich's Live where nobody looks at a terminal."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *args: object) -> None:
        return None


def _view(run: PipelineRun, steps: list[StepLine]) -> Group:
    """The steps, and while the run lives a bar of how many are done and what the running ones said last."""
    if run.status not in LIVE_RUN_STATES:
        return Group(_table(run, steps))
    done = sum(step.state in DONE for step in steps)
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=max(1, len(steps)), completed=done, width=40), f"{done} of {len(steps)} steps")
    said = [Text(f"  {now.words}", style="dim") for now in progress_of(run.pk).values() if now.words]
    return Group(_table(run, steps), bar, *said)


def _table(run: PipelineRun, steps: list[StepLine]) -> Table:
    table = Table(
        title=f"Run {run.pk} of {run.pipeline_name}: {run.status}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in ("step", "state"):
        table.add_column(heading, overflow="fold")
    for heading in ("read", "inserted", "updated", "rejected", "s"):
        table.add_column(heading, justify="right")
    for step in steps:
        colour = _COLOURS.get(step.state, "dim")
        state = "nothing new" if step.state == "succeeded" and not step.is_new else step.state
        counts = ("" if n is None else f"{n:,}" for n in (step.read, step.inserted, step.updated, step.rejected))
        seconds = "" if step.seconds is None else f"{step.seconds:.1f}"
        table.add_row(step.target, f"[{colour}]{state}[/]", *counts, seconds)
    return table


def _print_changes(console: Console, steps: list[StepLine], shown: dict[str, StepLine]) -> None:
    for step in steps:
        before = shown.get(step.target)
        if (before is None or before.state != step.state) and step.state not in ("blocked", "queued"):
            console.print(str(step), markup=False, highlight=False, soft_wrap=True)
        shown[step.target] = step


def _is_waiting_for_worker(run: PipelineRun, steps: list[StepLine]) -> bool:
    """False once a worker has been seen. Raises CommandError where there is none."""
    if any(step.attempts for step in steps):
        return False
    app = celery_app()
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    try:
        answers = app.control.ping(timeout=1.0)
    except (OperationalError, RedisError, OSError):
        answers = []
    if answers:
        return False
    raise CommandError(
        f"No worker answers. Run {run.pk} waits and starts as soon as there is one: make up.\n"
        f"Or carry it out in this terminal: manage.py run --resume {run.pk} --here"
    )
