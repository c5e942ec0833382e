"""What sources say about corrections afterwards: the same, something else, or nothing that counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.decisions import value
from tests.warehouses.lab.warehouse import Members, RawMembers
from tests.warehouses.test_replay import decide, decided, exception_of, people, replay  # noqa: F401

MEMBER = {"region": "n", "id": "1", "name": "Ann", "score": "1", "state": "x", "updated": "2024-01-01"}
REPLIES = "SELECT reply FROM dwh_lineage.correction_replies"


def send(lab: Connection, days: int, **said: str | None) -> None:
    """The member again, some days from now; loaded as workers load."""
    at, first = timezone.now() + timedelta(days=days), bench.EXPLICIT_IDS + 100 * days
    bench.ingest(lab, RawMembers, [{**MEMBER, **said}], f"{days}.csv", at, first)
    lab.execute("DISCARD TEMP")
    lab.execute("SET ROLE etl_service")
    bench.call(lab, Members.target)
    lab.execute("RESET ROLE")
    lab.execute("DISCARD TEMP")


@pytest.fixture
def corrected(people: Connection) -> int:  # noqa: F811
    """A decision that corrected the member's state from x to a."""
    (bad,) = bench.ingest(people, RawMembers, [MEMBER]).ids
    bench.call(people, Members.target)
    decision = decide(
        people, "correct", Members.target, {"exceptions": [exception_of(people, bad)]}, in_patch={"state": "a"}
    )
    replay(people, decision)
    return decision


@pytest.mark.parametrize(
    ("said", "replies"),
    [
        ({"state": "a", "score": "2"}, ["confirmed"]),
        ({"state": "b"}, ["overtaken"]),
        ({"state": "x"}, []),  # still broken
        ({"state": "a", "id": "2"}, []),  # another member
        ({"state": "a", "op": "D"}, []),
    ],
)
def test_the_first_good_row_of_the_key_says_whether_the_source_agrees(
    people: Connection,  # noqa: F811
    corrected: int,
    said: dict[str, str],
    replies: list[str],
) -> None:
    send(people, 1, **{"updated": "2024-02-01", **said})
    assert [row for (row,) in people.execute(REPLIES)] == replies
    send(people, 2, state="b", updated="2024-03-01")
    found = decided(people, corrected)
    assert found["confirmed"] + found["source_overtook"] == 1
    assert found["confirmed"] == (1 if replies == ["confirmed"] else 0)


def test_a_row_that_came_before_the_correction_says_nothing(people: Connection, corrected: int) -> None:  # noqa: F811
    send(people, -1, state="a", updated="2024-02-01")
    bench.call(people, Members.target, "rebuild")
    assert value(people, REPLIES) is None


def test_a_correction_that_was_undone_hears_nothing(people: Connection, corrected: int) -> None:  # noqa: F811
    replay(people, value(people, "SELECT dwh_lineage.undo(%s, 'ada')", corrected))
    send(people, 1, state="a", updated="2024-02-01")
    assert value(people, REPLIES) is None


def test_a_rebuild_hears_what_it_has_not_heard_and_nothing_twice(people: Connection, corrected: int) -> None:  # noqa: F811
    send(people, 1, state="a", updated="2024-02-01")
    bench.call(people, Members.target, "rebuild")
    assert value(people, "SELECT count(*) FROM dwh_lineage.correction_replies") == 1
    assert decided(people, corrected)["confirmed"] == 1
