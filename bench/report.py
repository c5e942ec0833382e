"""What a measure says: one operation against its limit, the best that hand-written SQL or raw COPY does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` is ours / limit, as the median of several tries; times in seconds."""

    operation: str
    limit_seconds: float
    ours_seconds: float
    ratio: float
    note: str = ""
