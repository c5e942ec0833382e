"""Random histories for the laboratory: batches of good and bad rows, when they are loaded, what people decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Act:
    """Something that a person decides about a silver table, and whether a rebuild follows at once. `pick` and `other`
    choose among what is there by then."""

    verb: str
    table: int
    pick: int
    other: int
    patch: dict[str, str | None]
    settled: bool


@dataclass(frozen=True)
class Batch:
    """Rows of one file (None: another program's INSERT), `second` of their ingestion, block of their bronze ids,
    whether a load follows, and what is decided then."""

    file: str | None
    second: int
    block: int
    rows: tuple[dict[str, str | None], ...]
    loaded: bool
    acts: tuple[Act, ...] = ()


def _mostly(good: list[Any], *odd: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(good * 4 + list(odd))


MEMBER = {
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
}  # fmt: skip

READING = {
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
        "price": _mostly([None, "1.50", "9999.99", "2.500"], "10000", "1.005", "1e4", "2,5"),
        "due": _mostly([None, "29.02.2024", "2024-02-29"], "30.02.2024", "2024-2-9", "1.2.2024", "02/01/2024"),
        "noted": _mostly([None, "01/07/2024 12:00", "27/10/2024 02:30"], "31/03/2024 02:30", "07/13/2024 12:00"),
        "local": _mostly([None, "2024-07-01 12:00", "2024-07-01 12:00+02", "2024-11-03 01:30"], "2024-03-10 02:30"),
        "paid": _mostly([None, "JA", "nein", "no", "1"], "oui", "j"),
}  # fmt: skip

#: What makes a row good.
GOOD_MEMBER = {"region": "n", "id": "1", "name": "A", "score": "4", "state": "a", "updated": "2024-01-03"}
GOOD_READING = {
    "sensor": "ab", "order": "1", "small": "5", "big": "1000", "amount": "0", "flag": "1", "tag": None, "day": None,
    "at": "2024-01-01 10:00:00", "note": "fine", "state": "on", "price": "1", "due": None, "noted": None,
    "local": None, "paid": None,
}  # fmt: skip
#: Rules that can be set aside.
WAIVABLE = {
    "silver.readings": ("sensor:required", "sensor:max_length", "order:between", "amount:at_least", "amount:condition",
                        "at:required", "note:does_not_match", "note:min_length"),
    "silver.members": ("score:at_least", "state:one_of"),
    "silver.states": ("score:at_least", "state:one_of"),
    "silver.latest": ("score:at_least", "state:one_of"),
    "silver.watched": ("name:required", "score:at_least", "score:at_most", "state:one_of"),
    "silver.visitors": ("host:references",),
    "silver.visitors_now": ("host:references",),
    "silver.visits": ("host:references",),
    "silver.rolls": ("name:one_of",),
    "silver.roll_now": ("name:one_of",),
}  # fmt: skip


VERBS = ("mend", "mend", "correct", "correct", "withdraw", "waive", "waive", "end", "expire", "again",
         "replay", "replay", "reject", "reject", "set_aside", "undo", "undo", "override", "override")  # fmt: skip


def acts(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Act]:
    """Decisions about rows of these fields."""
    field = st.one_of([st.tuples(st.just(name), values) for name, values in fields.items()])
    return st.builds(
        Act,
        verb=st.sampled_from(VERBS),
        table=st.integers(0, 99),
        pick=st.integers(0, 99),
        other=st.integers(0, 99),
        patch=st.lists(field, min_size=1, max_size=3).map(dict),
        settled=st.booleans(),
    )


def batches(
    fields: dict[str, st.SearchStrategy[Any]], most: int = 10, decided: int = 0
) -> st.SearchStrategy[list[Batch]]:
    """1 to 12 batches whose bronze ids may run against the order of their arrival, as with many sessions. decided: how
    many decisions follow a batch at most."""
    one = st.builds(
        Batch,
        file=st.sampled_from(["a.csv", "b.csv", "c.csv", None]),
        second=st.integers(0, 4),
        block=st.integers(0, 10**6),
        rows=st.lists(st.fixed_dictionaries(fields), max_size=most).map(tuple),
        loaded=st.booleans(),
        acts=st.lists(acts(fields), max_size=decided).map(tuple),
    )
    return st.lists(one, min_size=1, max_size=12, unique_by=lambda batch: batch.block)


def some(tables: list[str], count: int) -> st.SearchStrategy[list[str]]:
    """So many of some tables: all of them in one history would cost more than they tell."""
    return st.permutations(tables).map(lambda mixed: sorted(mixed[:count]))


def time_of(batch: Batch) -> datetime:
    """The ingestion's time: within this month, for which there is a partition."""
    return time_of_second(batch.second)


def time_of_second(second: int) -> datetime:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return month + timedelta(seconds=second)
