"""What a measure says: one operation against its limit, the best that hand-written SQL or raw COPY does."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is ours / limit, as the median of several tries; `goal` the ratio to reach, `spread` the least and the
    greatest of the tries; times in seconds."""

    operation: str
    limit_seconds: float
    ours_seconds: float
    ratio: float
    note: str = ""
    goal: float | None = None
    spread: tuple[float, float] | None = None


def compared(operation: str, pairs: Sequence[tuple[float, float]], goal: float | None, note: str = "") -> Row:
    """The row of some tries, each (limit, ours), measured one after the other."""
    limits, ours = zip(*pairs, strict=True)
    ratios = [mine / limit for limit, mine in pairs]
    middle = [statistics.median(values) for values in (limits, ours, ratios)]
    return Row(operation, *middle, note, goal, (min(ratios), max(ratios)))


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes, by the wall clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def table(rows: Iterable[Row]) -> str:
    """The rows as text, ratios first: only they say something on another machine."""
    head = f"{'operation':<66} {'ratio':>7} {'goal':>6} {'spread':>11} {'limit s':>8} {'ours s':>8}  note"
    return "\n".join([head, *map(_line, rows)])


def _line(row: Row) -> str:
    goal = "" if row.goal is None else f"{row.goal:g}×"
    spread = "" if row.spread is None else f"{row.spread[0]:.2f}–{row.spread[1]:.2f}"
    return (
        f"{row.operation:<66} {row.ratio:>6.2f}× {goal:>6} {spread:>11} {row.limit_seconds:>8.3f} "
        f"{row.ours_seconds:>8.3f}  {row.note}"
    )
