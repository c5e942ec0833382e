"""Decisions about exceptions: what they do to the table, the exceptions and the accounting line, and their undo."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.lab.warehouse import (
    Latest,
    Members,
    Presences,
    RawMembers,
    Readings,
    Rolls,
)
from tests.warehouses.test_overlay import GOOD, gap, readings, state_of, value


@pytest.fixture
def people(lab: Connection) -> Connection:
    """The laboratory, with two stewards."""
    for name in ("ada", "bob"):
        lab.execute(
            "INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, is_active, "
            "is_superuser, date_joined) VALUES (%s, '', '', '', '', true, true, true, now())",
            (name,),
        )
    return lab


def decide(lab: Connection, verb: str, target: str, selection: dict[str, Any] | None = None, **more: Any) -> int:
    parts = {"in_by": "ada", **more}
    named = ", ".join(f"{name} => %s" for name in parts)
    values = [json.dumps(v) if isinstance(v, dict) else v for v in parts.values()]
    return int(
        value(
            lab, f"SELECT dwh_lineage.decide(%s, %s, %s, {named})", verb, target, json.dumps(selection or {}), *values
        )
    )


def replay(lab: Connection, decision: int, most: int = 100_000) -> int:
    """Carries a decision out, chunk by chunk; returns how many chunks it took."""
    chunks = 1
    while value(lab, "SELECT dwh_lineage.replay_chunk(%s, %s)", decision, most):
        chunks += 1
    return chunks


def decided(lab: Connection, decision: int) -> dict[str, Any]:
    with lab.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        cursor.execute("SELECT * FROM dwh_lineage.quality_decisions WHERE id = %s", (decision,))
        return dict(cursor.fetchone() or {})


def exception_of(lab: Connection, bronze_id: int) -> int:
    return int(value(lab, "SELECT id FROM dwh_lineage.quality_exceptions WHERE bronze_id = %s", bronze_id))


def as_rebuilt(lab: Connection, target: str) -> bool:
    """The table is what a rebuild makes of it, and each bronze row has one outcome."""
    stood = bench.rows(lab, target)
    bench.call(lab, target, "rebuild")
    return stood == bench.rows(lab, target) and gap(lab, target) == 0


def test_a_corrected_row_lands_by_its_replay_and_a_rebuild_changes_nothing(people: Connection) -> None:
    bad, other = readings(people, GOOD | {"state": "onn"}, GOOD | {"state": "of"})
    decision = decide(
        people, "correct", Readings.target, {"exceptions": [exception_of(people, bad)]}, in_patch={"state": "on"}
    )
    assert state_of(people, Readings.target, bad) == "queued"
    assert bench.rows(people, Readings.target) == []
    replay(people, decision)
    assert [row["state"] for row in bench.rows(people, Readings.target)] == ["on"]
    assert [state_of(people, Readings.target, row) for row in (bad, other)] == ["landed", "open"]
    assert (decided(people, decision)["landed"], decided(people, decision)["state"]) == (1, "done")
    assert as_rebuilt(people, Readings.target)


def test_a_row_that_still_breaks_a_rule_is_open_again_with_what_it_breaks_now(people: Connection) -> None:
    (bad,) = readings(people, GOOD | {"state": "onn"})
    decision = decide(people, "correct", Readings.target, in_patch={"state": "on", "order": "0"})
    replay(people, decision)
    assert state_of(people, Readings.target, bad) == "open"
    assert decided(people, decision)["failing"] == 1
    rules = people.execute("SELECT rule FROM dwh_lineage.exception_breaches").fetchall()
    assert rules == [("order:between",)]
    assert as_rebuilt(people, Readings.target)


def test_all_rows_with_one_value_are_corrected_at_once_and_no_others(people: Connection) -> None:
    ids = readings(people, *[GOOD | {"state": "onn"}] * 3, GOOD | {"state": "of"})
    issue = value(people, "SELECT id FROM dwh_lineage.quality_issues WHERE rule = 'state:one_of'")
    decision = decide(people, "correct", Readings.target, {"issue": issue, "value": "onn"}, in_patch={"state": "on"})
    assert replay(people, decision, most=2) == 2
    assert [state_of(people, Readings.target, row) for row in ids] == ["landed"] * 3 + ["open"]
    assert value(people, "SELECT sum(delta) FROM dwh_lineage.issue_deltas WHERE issue_id = %s", issue) == 1
    assert as_rebuilt(people, Readings.target)


def test_each_row_may_have_a_patch_of_its_own(people: Connection) -> None:
    first, second = readings(people, GOOD | {"state": "onn"}, GOOD | {"state": "of"})
    patches = {str(exception_of(people, first)): {"state": "on"}, str(exception_of(people, second)): {"state": "off"}}
    replay(people, decide(people, "correct", Readings.target, {"patches": patches}))
    assert sorted(row["state"] for row in bench.rows(people, Readings.target)) == ["off", "on"]


def test_a_waived_row_lands_and_what_cannot_be_waived_is_refused(people: Connection) -> None:
    (high,) = readings(people, GOOD | {"order": "101"})
    with pytest.raises(psycopg.errors.DatabaseError, match="cannot be waived") as refused, people.transaction():
        decide(people, "waive", Readings.target, in_rule="order:castable")
    assert refused.value.sqlstate == "AS067"
    replay(people, decide(people, "waive", Readings.target, in_rule="order:between"))
    assert state_of(people, Readings.target, high) == "landed"
    assert [row["order"] for row in bench.rows(people, Readings.target)] == [101]
    assert as_rebuilt(people, Readings.target)


def test_a_rejected_row_stays_out_and_its_undo_opens_it_again(people: Connection) -> None:
    (bad,) = readings(people, GOOD | {"state": "onn"})
    rejection = decide(people, "reject", Readings.target, in_reason="a test of the supplier's")
    replay(people, rejection)
    assert state_of(people, Readings.target, bad) == "rejected"
    assert value(people, "SELECT sum(delta) FROM dwh_lineage.issue_deltas") == 0
    assert as_rebuilt(people, Readings.target)
    replay(people, value(people, "SELECT dwh_lineage.undo(%s, 'bob')", rejection))
    assert state_of(people, Readings.target, bad) == "open"
    assert value(people, "SELECT sum(delta) FROM dwh_lineage.issue_deltas") == 1
    assert as_rebuilt(people, Readings.target)


@pytest.mark.parametrize("verb", ["correct", "waive"])
def test_an_undo_takes_the_row_out_again(people: Connection, verb: str) -> None:
    (bad,) = readings(people, GOOD | {"order": "101"})
    more = {"in_patch": {"order": "10"}} if verb == "correct" else {}
    decision = decide(people, verb, Readings.target, **more)
    replay(people, decision)
    assert len(bench.rows(people, Readings.target)) == 1
    undo = value(people, "SELECT dwh_lineage.undo(%s, 'ada')", decision)
    replay(people, undo)
    assert bench.rows(people, Readings.target) == []
    assert state_of(people, Readings.target, bad) == "open"
    assert as_rebuilt(people, Readings.target)


def test_an_undo_leaves_alone_what_a_later_decision_changed(people: Connection) -> None:
    (bad,) = readings(people, GOOD | {"state": "onn"})
    first = decide(people, "correct", Readings.target, in_patch={"state": "o"})
    replay(people, first)
    replay(people, decide(people, "correct", Readings.target, in_patch={"state": "off"}))
    undo = value(people, "SELECT dwh_lineage.undo(%s, 'ada')", first)
    replay(people, undo)
    assert decided(people, undo)["overtaken"] == 1
    assert state_of(people, Readings.target, bad) == "landed"
    assert as_rebuilt(people, Readings.target)


MEMBER = {"region": "n", "id": "1", "name": "Ann", "score": "1", "state": "a", "updated": "2024-01-01", "op": "U"}


def members(lab: Connection, *rows: dict[str, str | None]) -> tuple[int, ...]:
    ids = bench.ingest(lab, RawMembers, rows).ids
    for table in (Members, Presences, Latest, Rolls):
        bench.call(lab, table.target)
    return ids


def history(lab: Connection) -> list[tuple[Any, ...]]:
    """(name, day it began, current) of each version of the members, in their order."""
    rows = [(row["name"], str(row["valid_from"])[:10], row["is_current"]) for row in bench.rows(lab, Members.target)]
    return sorted(rows, key=lambda version: version[1])


def test_a_correction_of_an_older_version_goes_into_history_not_on_top(people: Connection) -> None:
    members(
        people,
        MEMBER,
        MEMBER | {"name": "Anna", "updated": "2024-01-02", "score": "-1"},
        MEMBER | {"name": "Anne", "updated": "2024-01-03"},
    )
    replay(people, decide(people, "correct", Members.target, in_patch={"score": "2"}))
    assert history(people) == [
        ("Ann", "2024-01-01", False),
        ("Anna", "2024-01-02", False),
        ("Anne", "2024-01-03", True),
    ]
    assert as_rebuilt(people, Members.target)


def test_after_a_correction_of_the_latest_row_an_older_one_still_goes_before_it(people: Connection) -> None:
    members(people, MEMBER, MEMBER | {"name": "Anne", "updated": "2024-01-05", "score": "-1"})
    replay(people, decide(people, "correct", Members.target, in_patch={"score": "2"}))
    members(people, MEMBER | {"name": "Anna", "updated": "2024-01-03"})
    assert history(people) == [
        ("Ann", "2024-01-01", False),
        ("Anna", "2024-01-03", False),
        ("Anne", "2024-01-05", True),
    ]
    assert as_rebuilt(people, Members.target)


def test_an_undo_folds_the_key_that_the_row_had_and_the_one_it_gets_back(people: Connection) -> None:
    (_, wrong) = members(people, MEMBER, MEMBER | {"id": "x", "name": "Bea", "updated": "2024-01-02"})
    decision = decide(people, "correct", Members.target, in_patch={"id": "2"})
    replay(people, decision)
    assert [(int(row["id"]), row["name"]) for row in bench.rows(people, Members.target)] == [(1, "Ann"), (2, "Bea")]
    replay(people, value(people, "SELECT dwh_lineage.undo(%s, 'ada')", decision))
    assert [int(row["id"]) for row in bench.rows(people, Members.target)] == [1]
    assert state_of(people, Members.target, wrong) == "open"
    assert as_rebuilt(people, Members.target)


@pytest.mark.parametrize("table", [Presences, Latest, Rolls])
def test_every_kind_of_history_takes_a_replay(people: Connection, table: Any) -> None:
    members(people, MEMBER | {"name": "A"}, MEMBER | {"id": "x", "name": "A", "score": "-1", "updated": "2024-01-02"})
    decision = decide(people, "correct", table.target, in_patch={"id": "2", "score": "1"})
    replay(people, decision)
    assert decided(people, decision)["landed"] == 1
    assert as_rebuilt(people, table.target)
    replay(people, value(people, "SELECT dwh_lineage.undo(%s, 'ada')", decision))
    assert as_rebuilt(people, table.target)


def test_a_row_whose_batch_waits_again_is_left_to_the_load(people: Connection) -> None:
    (bad,) = readings(people, GOOD | {"state": "onn"})
    decision = decide(people, "correct", Readings.target, in_patch={"state": "on"})
    people.execute("CALL dwh_etl.set_watermark(%s, '_ingested_at', '-infinity')", (Readings.target,))
    assert value(people, "SELECT dwh_lineage.replay_chunk(%s)", decision) == 1
    assert state_of(people, Readings.target, bad) == "queued"
    bench.call(people, Readings.target)
    replay(people, decision)
    assert state_of(people, Readings.target, bad) == "landed"
    assert as_rebuilt(people, Readings.target)


def test_a_guarded_decision_waits_for_another_person(people: Connection) -> None:
    (bad,) = readings(people, GOOD | {"state": "onn"})
    decision = decide(people, "correct", Readings.target, in_patch={"state": "on"}, in_alone_up_to=0)
    assert state_of(people, Readings.target, bad) == "proposed"
    for attempt in ("SELECT dwh_lineage.approve(%s, 'ada')", "SELECT dwh_lineage.replay_chunk(%s)"):
        with pytest.raises(psycopg.errors.DatabaseError) as refused, people.transaction():
            people.execute(attempt, (decision,))
        assert refused.value.sqlstate == "AS068"
    with pytest.raises(psycopg.errors.CheckViolation), people.transaction():
        people.execute("UPDATE dwh_lineage.quality_decisions SET state = 'queued' WHERE id = %s", (decision,))
    people.execute("SELECT dwh_lineage.approve(%s, 'bob')", (decision,))
    replay(people, decision)
    assert state_of(people, Readings.target, bad) == "landed"


def test_a_stopped_decision_leaves_the_rest_open_and_what_landed_can_be_undone(people: Connection) -> None:
    ids = readings(people, *[GOOD | {"state": "onn"}] * 3)
    decision = decide(people, "correct", Readings.target, in_patch={"state": "on"})
    assert value(people, "SELECT dwh_lineage.replay_chunk(%s, 1)", decision) == 2
    people.execute("SELECT dwh_lineage.stop_decision(%s, 'ada')", (decision,))
    assert sorted(str(state_of(people, Readings.target, row)) for row in ids) == ["landed", "open", "open"]
    assert as_rebuilt(people, Readings.target)
    replay(people, value(people, "SELECT dwh_lineage.undo(%s, 'ada')", decision))
    assert {state_of(people, Readings.target, row) for row in ids} == {"open"}
    assert as_rebuilt(people, Readings.target)
