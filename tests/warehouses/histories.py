"""Random histories for the laboratory: batches of good and bad rows, and when they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Batch:
    """Rows of one file (None: another program's INSERT), `second` of their ingestion, block of their bronze ids, and
    whether a load follows."""

    file: str | None
    second: int
    block: int
    rows: tuple[dict[str, str | None], ...]
    loaded: bool


def _mostly(good: list[Any], *odd: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(good * 4 + list(odd))


MEMBER = st.fixed_dictionaries(
    {
        "region": _mostly(["n", "s"], "", None),
        "id": _mostly(["1", "1.0", "2", " 1 "], "x", "", None),
        "name": st.sampled_from([None, "", "A", "B", "null"]),
        "score": _mostly(["5", "05", None], "-1", "ten", "99999999999", " "),
        "state": _mostly(["a", "b", None], "z"),
        "updated": _mostly(
            ["2024-01-01", "2024-01-01T00:00:00+00:00", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
            "2024-02-30", "now", "infinity", "", None,
        ),
        "op": _mostly(["U", None], "D", "D", "D"),
    }
)  # fmt: skip

READING = st.fixed_dictionaries(
    {
        "sensor": _mostly(["ab", " cd "], "", " ", None, "fifth"),
        "order": _mostly(["1", "100", " 7"], "0", "101", "0x1F", "1_0", "", None),
        "small": _mostly(["-32768", None, "5"], "32768", "1.0"),
        "big": _mostly(["9223372036854775807", "10", "1000"], "9223372036854775808", None),
        "amount": _mostly(["1.50", "0", "2e1"], "-0.01", "NaN", "Infinity", "1,5", None),
        "flag": _mostly(["true", "no", "1", None], "2", "maybe"),
        "tag": _mostly([None, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], "a0eebc99"),
        "day": _mostly([None, "2024-02-29"], "2023-02-29", "today", "infinity"),
        "at": _mostly(["2024-01-01 10:00:00", "2024-01-01T23:00:00-05:00"], "2024-01-01 25:00", "now", "", None),
        "note": _mostly([None, "fine", "ü€"], "", "x", "!no", "!"),
        "state": _mostly(["on", "OFF"], "skip", "SKIP", None),
    }
)


def batches(row: st.SearchStrategy[Any], most: int = 10) -> st.SearchStrategy[list[Batch]]:
    """1 to 12 batches whose bronze ids may run against the order of their arrival, as with many sessions."""
    one = st.builds(
        Batch,
        file=st.sampled_from(["a.csv", "b.csv", "c.csv", None]),
        second=st.integers(0, 4),
        block=st.integers(0, 10**6),
        rows=st.lists(row, max_size=most).map(tuple),
        loaded=st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=12, unique_by=lambda batch: batch.block)


def time_of(batch: Batch) -> datetime:
    """The ingestion's time: within this month, for which there is a partition."""
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return month + timedelta(seconds=batch.second)
