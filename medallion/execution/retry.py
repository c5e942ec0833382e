"""Which failures are tried again: one table, by SQLSTATE."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """At most `limit` failures; the n-th waits about `first` · 2ⁿ seconds, never more than `longest`."""

    limit: int
    first: float
    longest: float


# The beginning of a SQLSTATE → how it is tried again. Whatever is not here (22xxx data, 23xxx constraints, 42xxx names
# and rights, AS… our own) would fail the same way again, and fails at once.
RETRIES: dict[str, Retry] = {
    "40001": Retry(limit=20, first=0.2, longest=10),  # serialization: somebody else was quicker
    "40P01": Retry(limit=10, first=0.5, longest=30),  # deadlock
    "55P03": Retry(limit=60, first=5, longest=60),  # lock timeout: another load of the table may take long
    "57P0": Retry(limit=8, first=1, longest=60),  # the server stops, starts, or an administrator ended the session
    "08": Retry(limit=8, first=1, longest=60),  # the connection broke
    "25P03": Retry(limit=5, first=1, longest=60),  # this process stood still in its transaction
    "53": Retry(limit=8, first=5, longest=120),  # too many connections, disk full, out of memory
}


def seconds_until_retry(sqlstate: str | None, failures: int) -> float | None:
    """How long to wait after a failure with `sqlstate`, the step having failed `failures` times before.

    None: not again. Half of the pause is chance, so that steps that collided do not collide again.
    """
    retry = next((r for prefix, r in RETRIES.items() if (sqlstate or "").startswith(prefix)), None)
    if retry is None or failures + 1 >= retry.limit:
        return None
    pause: float = min(retry.longest, retry.first * 2**failures)
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
