"""`manage.py workers`: who works, and at what."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from lineage.templatetags.assay import ago, percent
from lineage.workers import WorkerState, workers

_COLOURS = {"working": "cyan", "idle": "green", "lost": "red"}


class Command(BaseCommand):
    help = "Shows the workers: who is alive, what each does, and how busy it was since it started."

    def handle(self, *args: Any, **options: Any) -> None:
        found = workers()
        if not found:
            self.stdout.write("No worker has ever started. One starts with: make up")
            return
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("worker", "state", "works at", "seen", "attempts", "load", "queues", "version"):
            table.add_column(heading, justify="right" if heading in ("attempts", "load") else "left", overflow="fold")
        for worker in found:
            table.add_row(*_cells(worker))
        self.stdout.ending = ""
        width = None if self.stdout.isatty() else 200  # for a file or a pipe: a worker a line
        Console(file=self.stdout, highlight=False, width=width).print(table)  # type: ignore[arg-type]


def _cells(worker: WorkerState) -> tuple[str, ...]:
    return (
        worker.name,
        f"[{_COLOURS[worker.state]}]{worker.state}[/]",
        f"{worker.target} (run {worker.run_id})" if worker.target else "",
        ago(worker.seen_at),
        f"{worker.steps:,}",
        percent(worker.load),
        ", ".join(worker.queues) or "one run",
        worker.version,
    )
