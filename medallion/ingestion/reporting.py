"""Ingestion in the terminal: a bar where somebody watches, a line for each file where nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.filesize import decimal

from medallion.ingestion.ingest import Event, Failed, Ingested, Reading
from medallion.ingestion.ingest import Progress as Listener

Write = Callable[[str], object]


@contextmanager
def shown(write: Write, interactive: bool) -> Iterator[Listener]:
    """A listener for `ingest_source` that shows what it hears for as long as the block lasts."""
    if not interactive:

        def write_end(event: Event) -> None:
            if not isinstance(event, Reading):
                write(line(event))

        yield write_end
        return
    # Here, because where nobody watches nobody needs to wait for their import.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=None)

        def listen(event: Event) -> None:
            if isinstance(event, Reading):
                progress.update(bar, description=event.file, completed=event.done, total=event.total)
            else:
                progress.reset(bar)
                console.out(line(event))

        yield listen


def line(result: Ingested | Failed) -> str:
    """One file's end, in one line."""
    if isinstance(result, Failed):
        return f"failed   {result.file}"
    if result.skipped:
        before = "before" if result.first_file == result.file else f"before, as {result.first_file}"
        return f"skipped  {result.file}: its content was ingested {before} (batch {result.batch_no})"
    unreadable = f", {_count(result.unreadable, 'unreadable line')} kept" if result.unreadable else ""
    rows = _count(result.rows, "row")
    return f"ingested {result.file}: {rows}{unreadable} ({decimal(result.bytes)}, batch {result.batch_no})"


def summary(results: Sequence[Ingested | Failed]) -> str:
    """All files' ends, in one line."""
    new = [result for result in results if isinstance(result, Ingested) and not result.skipped]
    rows = _count(sum(result.rows for result in new), "row")
    parts = [f"{len(new)} of {_count(len(results), 'file')} ingested: {rows}"]
    parts += [_count(sum(result.unreadable for result in new), "unreadable line")]
    skipped = sum(isinstance(result, Ingested) and result.skipped for result in results)
    parts += [f"{skipped} skipped"] * bool(skipped)
    failed = sum(isinstance(result, Failed) for result in results)
    parts += [f"{failed} failed"] * bool(failed)
    return ", ".join(parts) + "."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
