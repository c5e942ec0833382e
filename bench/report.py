"""What a measure says: one operation against its limit, the best that hand-written SQL or raw COPY does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is ours / limit, as the median of several tries; times in seconds."""

    operation: str
    limit_seconds: float
    ours_seconds: float
    ratio: float
    note: str = ""


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes, by the wall clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def table(rows: Iterable[Row]) -> str:
    """The rows as text, ratios first: only they say something on another machine."""
    head = f"{'operation':<68} {'ratio':>7} {'limit s':>9} {'ours s':>9}  note"
    lines = [
        f"{r.operation:<68} {r.ratio:>6.2f}× {r.limit_seconds:>9.3f} {r.ours_seconds:>9.3f}  {r.note}" for r in rows
    ]
    return "\n".join([head, *lines])
