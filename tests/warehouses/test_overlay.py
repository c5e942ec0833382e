"""What people decide lies over bronze: corrections, rejections and waivers, through every rebuild."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.lab.warehouse import Members, RawMembers, RawReadings, Readings

GOOD = {"sensor": "s1", "order": "1", "amount": "1", "big": "9", "at": "2024-01-01", "state": "on"}


def value(lab: Connection, query: str, *parameters: Any) -> Any:
    row = lab.execute(query, parameters).fetchone()
    return row[0] if row else None


def decide(lab: Connection, target: str, verb: str) -> int:
    author = value(
        lab,
        "INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, is_active, is_superuser, "
        "date_joined) VALUES (gen_random_uuid()::text, '', '', '', '', true, true, false, now()) RETURNING id",
    )
    decision = value(
        lab,
        "INSERT INTO dwh_lineage.quality_decisions (verb, target, author_id) VALUES (%s, %s, %s) RETURNING id",
        verb, target, author,
    )  # fmt: skip
    return int(decision)


def correct(lab: Connection, target: str, bronze_id: int, version: int, patch: str, withdrawn: bool = False) -> None:
    lab.execute(
        "INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, decision_id, withdrawn) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (target, bronze_id, version, patch, decide(lab, target, "correct"), withdrawn),
    )


def waive(lab: Connection, target: str, rule: str, **where: int) -> None:
    lab.execute(
        "INSERT INTO dwh_lineage.waivers (target, rule, bronze_id, first_batch_no, last_batch_no, decision_id) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (target, rule, where.get("bronze_id"), where.get("first"), where.get("last"), decide(lab, target, "waive")),
    )


def state_of(lab: Connection, target: str, bronze_id: int) -> str | None:
    found: str | None = value(
        lab,
        "SELECT state FROM dwh_lineage.quality_exceptions WHERE target_table = %s AND bronze_id = %s",
        target, bronze_id,
    )  # fmt: skip
    return found


def gap(lab: Connection, target: str) -> int:
    return int(value(lab, "SELECT (dwh_etl.measure_accounting(%s) ->> 'gap')::int", target))


def readings(lab: Connection, *rows: dict[str, str | None]) -> tuple[int, ...]:
    ids = bench.ingest(lab, RawReadings, rows).ids
    bench.call(lab, Readings.target)
    return ids


def test_a_corrected_row_lands_and_bronze_stays_as_it_came(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, 1, '{"state": "off", "note": null}')
    bench.call(lab, Readings.target, "rebuild")
    assert [row["state"] for row in bench.rows(lab, Readings.target)] == ["off"]
    assert state_of(lab, Readings.target, bad) == "landed"
    assert value(lab, "SELECT state FROM bronze.raw_readings WHERE _bronze_id = %s", bad) == "onn"
    assert gap(lab, Readings.target) == 0


def test_the_latest_correction_counts_and_a_withdrawn_one_gives_the_row_back(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, 1, '{"state": "off"}')
    correct(lab, Readings.target, bad, 2, '{"state": "on", "sensor": "s2"}')
    bench.call(lab, Readings.target, "rebuild")
    assert [(row["state"], row["sensor"]) for row in bench.rows(lab, Readings.target)] == [("on", "s2")]
    correct(lab, Readings.target, bad, 3, "{}", withdrawn=True)
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == []
    assert state_of(lab, Readings.target, bad) == "open"
    assert gap(lab, Readings.target) == 0


def test_a_correction_that_is_still_wrong_shows_the_row_as_it_arrived(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, 1, '{"state": "of", "order": "0"}')
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
    lab.execute("UPDATE dwh_lineage.quality_exceptions SET state = 'rejected' WHERE bronze_id = %s", (bad,))
    correct(lab, Readings.target, bad, 1, '{"state": "on"}')
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == []
    assert state_of(lab, Readings.target, bad) == "rejected"
    outcomes = value(lab, "SELECT dwh_etl.measure_accounting(%s)", Readings.target)
    assert (outcomes["rejected"], outcomes["gap"]) == (1, 0)


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


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        ("order:castable", {"order": "many"}),
        ("amount:castable", {"amount": "NaN"}),
        ("state:one_of", {"state": "x"}),
    ],
)
def test_a_cast_and_an_enum_cannot_be_waived(lab: Connection, rule: str, row: dict[str, str | None]) -> None:
    (bad,) = readings(lab, GOOD | row)
    waive(lab, Readings.target, rule)
    bench.call(lab, Readings.target, "rebuild")
    assert bench.rows(lab, Readings.target) == []
    assert state_of(lab, Readings.target, bad) == "open"


def test_a_key_cannot_be_waived(lab: Connection) -> None:
    row = {"region": None, "id": "1", "name": "n", "updated": "2024-01-01"}
    (bad,) = bench.ingest(lab, RawMembers, [row]).ids
    waive(lab, Members.target, "region:required")
    bench.call(lab, Members.target)
    assert bench.rows(lab, Members.target) == []
    assert state_of(lab, Members.target, bad) == "open"


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
    correct(lab, Members.target, ids[1], 1, '{"state": "b"}')
    bench.call(lab, Members.target, "rebuild")
    history = sorted(bench.rows(lab, Members.target), key=lambda row: str(row["valid_from"]))
    assert [(row["name"], row["state"], row["is_current"]) for row in history] == [
        ("n", "a", False), ("m", "b", False), ("o", "a", True),
    ]  # fmt: skip
    assert history[1]["_source_bronze_id"] == ids[1]
    assert gap(lab, Members.target) == 0


def test_corrections_are_append_only(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"state": "onn"})
    correct(lab, Readings.target, bad, 1, '{"state": "off"}')
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
    correct(lab, Members.target, bad, 1, '{"score": "5"}')
    bench.ingest(lab, RawMembers, [member | {"updated": "2024-01-01", "name": "early"}], file="b.csv")
    bench.call(lab, Members.target)
    loaded = bench.rows(lab, Members.target)
    assert sorted((row["name"], row["score"]) for row in loaded) == [("early", None), ("n", 5), ("o", None)]
    assert state_of(lab, Members.target, bad) == "landed"
    assert gap(lab, Members.target) == 0


def test_a_batch_that_is_loaded_again_brings_its_corrected_rows_in(lab: Connection) -> None:
    (bad,) = readings(lab, GOOD | {"order": "0"})
    correct(lab, Readings.target, bad, 1, '{"order": "1"}')
    lab.execute("CALL dwh_etl.set_watermark(%s, '_ingested_at', '-infinity')", (Readings.target,))
    bench.call(lab, Readings.target)
    assert len(bench.rows(lab, Readings.target)) == 1
    assert state_of(lab, Readings.target, bad) == "landed"
    assert gap(lab, Readings.target) == 0
