"""Attempts as bars on one time axis. Lengths are thousandths of the axis, so that the page needs no inline style."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineage.models import Attempt

AXIS = 1000
THINNEST = 4  # what took no time at all can still be seen


@dataclass(frozen=True)
class Bar:
    """One attempt: where it starts, how long it is, its outcome ("running" while it has none)."""

    x: int
    width: int
    state: str


@dataclass(frozen=True)
class Axis:
    """The time from the first start to the last end, or to now while something is running."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def bar(self, attempt: Attempt) -> Bar:
        """The attempt's place. What lies outside the axis is cut off at its ends."""
        x = self._place(attempt.started_at)
        width = self._place(attempt.ended_at or self.end) - x
        x = min(x, AXIS - THINNEST)
        return Bar(x=x, width=max(width, THINNEST), state=attempt.outcome or "running")

    def _place(self, at: datetime) -> int:
        if not self.length:
            return 0
        return max(0, min(AXIS, round((at - self.start) / self.length * AXIS)))


def axis_of(attempts: Iterable[Attempt], now: datetime) -> Axis | None:
    """The axis that holds all attempts; None where there are none."""
    spans = [(a.started_at, a.ended_at or max(now, a.started_at)) for a in attempts]
    if not spans:
        return None
    return Axis(start=min(start for start, _ in spans), end=max(end for _, end in spans))
