"""What people decide lies over bronze: corrections, rejections and waivers, through every rebuild."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.decisions import correct, move, outcomes, state_of, value, waive
from tests.warehouses.lab.warehouse import Latest, Members, RawMembers, RawReadings, Readings

GOOD = {"sensor": "s1", "order": "1", "amount": "1", "big": "9", "at": "2024-01-01", "state": "on"}


def gap(lab: Connection, target: str) -> int:
    return outcomes(lab, target)["gap"]


def readings(lab: Connection, *rows: dict[str, str | None]) -> tuple[int, ...]:
    ids = bench.ingest(lab, RawReadings, rows).ids
    bench.call(lab, Readings.target)
    return ids


def test_a_corrected_row_lands_and_bronze_stays_as_it_came(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "off", "note": None})
    bench.call(lab, Readings.target, "rebuild")
    assert [row["state"] for row in bench.rows(lab, Readings.target)] == ["off"]
    assert state_of(lab, Readings.target, bad) == "landed"
    assert value(lab, "SELECT state FROM bronze.raw_readings WHERE _bronze_id = %s", bad) == "onn"
    assert gap(lab, Readings.target) == 0


def test_the_latest_correction_counts_and_a_withdrawn_one_gives_the_row_back(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "off"})
    correct(lab, Readings.target, bad, {"state": "on", "sensor": "s2"})
    bench.call(lab, Readings.target, "rebuild")
    assert [(row["state"], row["sensor"]) for row in bench.rows(lab, Readings.target)] == [("on", "s2")]
    correct(lab, Readings.target, bad, {"state": "on"}, withdrawn=True)
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == []
    assert state_of(lab, Readings.target, bad) == "open"
    assert gap(lab, Readings.target) == 0


def test_a_correction_that_is_still_wrong_shows_the_row_as_it_arrived(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "of", "order": "0"})
    bench.call(lab, Readings.target, "rebuild")
    shown = value(lab, "SELECT source_data ->> 'state' FROM dwh_lineage.quality_exceptions WHERE bronze_id = %s", bad)
    assert shown == "onn"
    broken = lab.execute(
        "SELECT b.rule, b.value FROM dwh_lineage.exception_breaches AS b "
        "JOIN dwh_lineage.quality_exceptions AS e ON e.id = b.exception_id WHERE e.bronze_id = %s ORDER BY 1",
        (bad,),
    ).fetchall()
    assert broken == [("order:between", "0"), ("state:one_of", "of")]


def test_a_rejected_row_stays_out_although_it_would_pass(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    move(lab, Readings.target, bad, "rejected")
    correct(lab, Readings.target, bad, {"state": "on"})
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == []
    assert state_of(lab, Readings.target, bad) == "rejected"
    assert outcomes(lab, Readings.target) == {"rejected": 1, "gap": 0}


def test_a_waiver_lets_its_rule_pass_for_its_row_alone(lab: Connection) -> None:
    first, second = readings(lab, GOOD | {"order": "101"}, GOOD | {"order": "102", "at": None})
    waive(lab, Readings.target, "order:between", bronze_id=second)
    waive(lab, Readings.target, "at:required", bronze_id=second)
    bench.call(lab, Readings.target, "rebuild")
    assert [row["order"] for row in bench.rows(lab, Readings.target)] == [102]
    assert [state_of(lab, Readings.target, row) for row in (first, second)] == ["open", "landed"]
    assert gap(lab, Readings.target) == 0


def test_a_waiver_governs_its_batches_in_a_load_and_in_a_rebuild(lab: Connection) -> None:
    before = bench.ingest(lab, RawReadings, [GOOD | {"order": "101"}])
    within = bench.ingest(lab, RawReadings, [GOOD | {"order": "102"}])
    after = bench.ingest(lab, RawReadings, [GOOD | {"order": "103"}])
    waive(lab, Readings.target, "order:between", first=within.batch_no, last=within.batch_no)
    bench.call(lab, Readings.target)
    loaded = bench.rows(lab, Readings.target)
    assert [row["order"] for row in loaded] == [102]
    assert {state_of(lab, Readings.target, batch.ids[0]) for batch in (before, after)} == {"open"}
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == loaded


@pytest.mark.parametrize("rule", ["order:castable", "amount:castable", "state:one_of"])
def test_a_cast_and_an_enum_cannot_be_waived(lab: Connection, rule: str) -> None:
    with pytest.raises(psycopg.Error, match=f"{rule} of silver.readings cannot be waived") as refused:
        waive(lab, Readings.target, rule)
    assert refused.value.sqlstate == "AS061"


@pytest.mark.parametrize("rule", ["region:required", "id:castable", "updated:required"])
def test_a_key_and_a_time_cannot_be_waived(lab: Connection, rule: str) -> None:
    with pytest.raises(psycopg.Error, match="cannot be waived") as refused:
        waive(lab, Members.target, rule)
    assert refused.value.sqlstate == "AS061"


def test_a_rule_that_can_be_waived_no_more_asks_again(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"order": "101"})
    waive(lab, Readings.target, "order:between")
    bench.call(lab, Readings.target, "rebuild")
    assert state_of(lab, Readings.target, bad) == "landed"
    lab.execute("UPDATE dwh_lineage.quality_rules SET can_be_waived = false WHERE rule = 'order:between'")
    bench.call(lab, Readings.target, "rebuild")
    assert (bench.rows(lab, Readings.target), state_of(lab, Readings.target, bad)) == ([], "open")


def test_a_waiver_of_an_unknown_rule_is_refused_with_the_names_of_the_known(lab: Connection) -> None:
    with pytest.raises(psycopg.Error, match=r"silver\.readings has no rule order:betwen") as refused:
        waive(lab, Readings.target, "order:betwen")
    assert refused.value.sqlstate == "AS060"
    assert "order:castable, order:between" in str(refused.value.diag.message_hint)


def test_an_expired_waiver_governs_what_came_before_and_nothing_later(lab: Connection) -> None:
    before = bench.ingest(lab, RawReadings, [GOOD | {"order": "101"}])
    lab.execute("UPDATE dwh_lineage.batches SET ingested_at = now() - interval '2 hours' WHERE batch_no = %s",
                (before.batch_no,))  # fmt: skip
    waiver = waive(lab, Readings.target, "order:between", expires=datetime.now(UTC) - timedelta(hours=1))
    after = bench.ingest(lab, RawReadings, [GOOD | {"order": "102"}])
    bench.call(lab, Readings.target)
    loaded = bench.rows(lab, Readings.target)
    assert [row["order"] for row in loaded] == [101]
    last = value(lab, "SELECT last_batch_no FROM dwh_lineage.waivers WHERE id = %s", waiver)
    assert before.batch_no <= last < after.batch_no
    # Whatever the clocks say from now on.
    lab.execute("UPDATE dwh_lineage.batches SET ingested_at = now() - interval '1 day'")
    lab.execute("UPDATE dwh_lineage.waivers SET expires_at = now() + interval '1 day'")
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == loaded
    assert outcomes(lab, Readings.target) == {"current": 1, "quarantined": 1, "gap": 0}


def test_a_waiver_that_has_not_expired_governs_every_batch(lab: Connection) -> None:
    waiver = waive(lab, Readings.target, "order:between", expires=datetime.now(UTC) + timedelta(hours=1))
    readings(lab, GOOD | {"order": "101"})
    assert len(bench.rows(lab, Readings.target)) == 1
    assert value(lab, "SELECT last_batch_no FROM dwh_lineage.waivers WHERE id = %s", waiver) is None


def test_a_waiver_that_expired_before_anything_came_governs_nothing(lab: Connection) -> None:
    waive(lab, Readings.target, "order:between", expires="-infinity")
    readings(lab, GOOD | {"order": "101"})
    assert bench.rows(lab, Readings.target) == []


def test_the_worker_can_end_a_waiver(lab: Connection) -> None:
    waive(lab, Readings.target, "order:between", expires="-infinity")
    lab.execute("SET LOCAL ROLE etl_service")
    readings(lab, GOOD | {"order": "101"})
    assert state_of(lab, Readings.target, value(lab, "SELECT max(_bronze_id) FROM bronze.raw_readings")) == "open"


@pytest.mark.parametrize(
    ("patch", "expected", "sqlstate", "says"),
    [
        ({"stat": "on"}, {}, "AS063", "names the column stat, which bronze.raw_readings does not have"),
        ({"state": "on"}, {"state": "of"}, "AS064", "expects another state"),
        ({"state": "on"}, {"state": None}, "AS064", "expects another state"),
        ({"state": "on"}, {"note": "x"}, "AS064", "expects another note"),
    ],
)
def test_a_correction_that_was_made_for_another_row_is_refused(
    lab: Connection, patch: dict[str, str], expected: dict[str, str | None], sqlstate: str, says: str
) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    with pytest.raises(psycopg.Error, match=says) as refused:
        correct(lab, Readings.target, bad, patch, expected)
    assert refused.value.sqlstate == sqlstate


def test_a_correction_of_a_row_that_is_not_there_is_refused(lab: Connection) -> None:
    with pytest.raises(psycopg.Error, match="bronze row 7, which bronze") as refused:
        correct(lab, Readings.target, 7, {"state": "on"})
    assert refused.value.sqlstate == "AS062"


def test_a_correction_that_expects_what_is_there_is_taken(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "on"}, {"state": "onn", "note": None})
    bench.call(lab, Readings.target, "rebuild")
    assert state_of(lab, Readings.target, bad) == "landed"


def test_a_row_that_a_correction_excludes_closes_its_exception_until_that_is_withdrawn(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "skip"})
    bench.call(lab, Readings.target, "rebuild")
    assert state_of(lab, Readings.target, bad) == "superseded"
    assert outcomes(lab, Readings.target) == {"excluded": 1, "gap": 0}
    correct(lab, Readings.target, bad, {"state": "on"}, withdrawn=True)
    bench.call(lab, Readings.target, "rebuild")
    assert state_of(lab, Readings.target, bad) == "open"
    assert outcomes(lab, Readings.target) == {"quarantined": 1, "gap": 0}
    assert value(lab, "SELECT sum(delta)::int FROM dwh_lineage.issue_deltas") == 1


def test_an_excluded_row_that_another_correction_makes_good_lands(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    for state in ("skip", "on"):
        correct(lab, Readings.target, bad, {"state": state})
        bench.call(lab, Readings.target, "rebuild")
    assert state_of(lab, Readings.target, bad) == "landed"
    assert outcomes(lab, Readings.target) == {"current": 1, "gap": 0}
    assert value(lab, "SELECT sum(delta)::int FROM dwh_lineage.issue_deltas") == 0
    events = lab.execute("SELECT from_state, to_state FROM dwh_lineage.exception_events ORDER BY id").fetchall()
    assert events == [(None, "open"), ("open", "superseded"), ("superseded", "landed")]


def test_a_row_that_a_correction_takes_in_counts_as_what_it_became(lab: Connection) -> None:
    (left_out,) = readings(lab, GOOD | {"state": "skip"})
    correct(lab, Readings.target, left_out, {"state": "off"})
    bench.call(lab, Readings.target, "rebuild")
    assert outcomes(lab, Readings.target) == {"current": 1, "gap": 0}


def test_breaches_show_the_corrected_values_where_the_same_rules_are_broken(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "of"})
    bench.call(lab, Readings.target, "rebuild")
    assert value(lab, "SELECT value FROM dwh_lineage.exception_breaches") == "of"


def test_a_correction_of_an_older_version_goes_into_history_not_on_top(lab: Connection) -> None:
    member = {"region": "r", "id": "1", "name": "n", "state": "a"}
    rows = [
        member | {"updated": "2024-01-01"},
        member | {"updated": "2024-02-01", "name": "m", "state": "oops"},
        member | {"updated": "2024-03-01", "name": "o"},
    ]
    ids = bench.ingest(lab, RawMembers, rows).ids
    bench.call(lab, Members.target)
    assert len(bench.rows(lab, Members.target)) == 2
    correct(lab, Members.target, ids[1], {"state": "b"})
    bench.call(lab, Members.target, "rebuild")
    history = sorted(bench.rows(lab, Members.target), key=lambda row: str(row["valid_from"]))
    assert [(row["name"], row["state"], row["is_current"]) for row in history] == [
        ("n", "a", False), ("m", "b", False), ("o", "a", True),
    ]  # fmt: skip
    assert history[1]["_source_bronze_id"] == ids[1]
    assert gap(lab, Members.target) == 0


@pytest.mark.parametrize("target", [Members.target, Latest.target])
def test_a_row_that_a_correction_gives_to_another_key_leaves_nothing_behind(lab: Connection, target: str) -> None:
    member = {"region": "r", "id": "1", "name": "n", "state": "a", "updated": "2024-01-01"}
    (row,) = bench.ingest(lab, RawMembers, [member]).ids
    bench.call(lab, target)
    correct(lab, target, row, {"id": "2"}, {"id": "1"})
    bench.call(lab, target, "rebuild")
    assert [int(found["id"]) for found in bench.rows(lab, target)] == [2]
    assert outcomes(lab, target) == {"current": 1, "gap": 0}


def test_corrections_are_append_only(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, {"state": "off"})
    for statement in ("UPDATE dwh_lineage.corrections SET patch = '{}'", "DELETE FROM dwh_lineage.corrections"):
        lab.execute("SAVEPOINT before")
        with pytest.raises(psycopg.errors.RaiseException, match="Cannot"):
            lab.execute(statement.encode())
        lab.execute("ROLLBACK TO before")


def test_a_late_event_brings_a_corrected_row_of_its_key_in_and_closes_its_exception(lab: Connection) -> None:
    member = {"region": "r", "id": "1", "name": "n", "state": "a"}
    (bad, _) = bench.ingest(
        lab,
        RawMembers,
        [member | {"updated": "2024-02-01", "score": "-1"}, member | {"updated": "2024-03-01", "name": "o"}],
    ).ids
    bench.call(lab, Members.target)
    correct(lab, Members.target, bad, {"score": "5"})
    bench.ingest(lab, RawMembers, [member | {"updated": "2024-01-01", "name": "early"}], file="b.csv")
    bench.call(lab, Members.target)
    loaded = bench.rows(lab, Members.target)
    assert sorted((row["name"], row["score"]) for row in loaded) == [("early", None), ("n", 5), ("o", None)]
    assert state_of(lab, Members.target, bad) == "landed"
    assert gap(lab, Members.target) == 0


def test_a_late_event_of_a_table_without_history_does_the_same(lab: Connection) -> None:
    member = {"region": "r", "id": "1", "name": "o", "state": "a"}
    rows = [member | {"updated": "2024-02-01", "score": "-1", "name": "n"}, member | {"updated": "2024-03-01"}]
    (bad, _) = bench.ingest(lab, RawMembers, rows).ids
    bench.call(lab, Latest.target)
    correct(lab, Latest.target, bad, {"score": "5"})
    bench.ingest(lab, RawMembers, [member | {"updated": "2024-01-01"}], file="b.csv")
    bench.call(lab, Latest.target)
    assert state_of(lab, Latest.target, bad) == "landed"
    assert outcomes(lab, Latest.target) == {"current": 1, "superseded": 2, "gap": 0}


def test_a_batch_that_is_loaded_again_brings_its_corrected_rows_in(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"order": "0"})
    correct(lab, Readings.target, bad, {"order": "1"})
    lab.execute("CALL dwh_etl.set_watermark(%s, '_ingested_at', '-infinity')", (Readings.target,))
    bench.call(lab, Readings.target)
    assert len(bench.rows(lab, Readings.target)) == 1
    assert state_of(lab, Readings.target, bad) == "landed"
    assert gap(lab, Readings.target) == 0


def test_a_correction_by_a_decision_that_is_not_there_is_refused(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    with pytest.raises(psycopg.Error, match="one of them is not there") as refused:
        lab.execute(
            "INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, decision_id) "
            "VALUES (%s, %s, 1, '{}', 999)",
            (Readings.target, bad),
        )
    assert refused.value.sqlstate == "AS080"
