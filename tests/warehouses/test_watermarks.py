"""Watermarks that a person moves: nothing twice, nothing lost, and a rebuild respects what was skipped."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Connect
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

READINGS, MEMBERS, DAYS = "silver.readings", "silver.members", "gold.readings_by_day"
MONTH = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def reading(order: int) -> dict[str, str | None]:
    return {"sensor": "ab", "order": str(order), "big": "10", "amount": "1", "at": "2024-01-01 10:00:00", "state": "on"}


def member(name: str, day: int) -> dict[str, str | None]:
    return {"region": "n", "id": "1", "name": name, "updated": f"2024-01-{day:02}", "state": "a"}


def ingest_days(lab: bench.Connection) -> None:
    """Three batches, on the 1st, 2nd and 3rd second of this month; the second brings what is good and what is bad."""
    for n in (1, 2, 3):
        at = MONTH + timedelta(seconds=n)
        rows = [reading(n), *([reading(0)] if n == 2 else [])]
        for table, batch in ((warehouse.RawReadings, rows), (warehouse.RawMembers, [member(f"v{n}", n)])):
            written = bench.ingest(lab, table, batch, f"{n}.csv", at, bench.EXPLICIT_IDS + n * 10)
            lab.execute("UPDATE dwh_lineage.batches SET ingested_at = %s WHERE batch_no = %s", (at, written.batch_no))


def move(lab: bench.Connection, target: str, second: float) -> int:
    """Moves the watermark; returns how many batches the record says."""
    to = MONTH + timedelta(seconds=second)
    lab.execute("CALL dwh_etl.set_watermark(%s, '_ingested_at', %s, 'a test', 'ada')", (target, to))
    return one(lab, "SELECT batches FROM dwh_lineage.watermark_moves ORDER BY id DESC LIMIT 1")


def one(lab: bench.Connection, query: str, *values: object) -> int:
    row = lab.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])


def line(lab: bench.Connection, target: str) -> dict[str, int]:
    """The accounting line without its zeros; the gap must be one of them."""
    row = lab.execute("SELECT dwh_etl.measure_accounting(%s)", (target,)).fetchone()
    assert row is not None
    return {name: count for name, count in row[0].items() if count and not name.endswith(" rows")}


def waiting(lab: bench.Connection, target: str) -> int:
    return one(lab, "SELECT count(*) FROM dwh_lineage.pendings WHERE consumer = %s", target)


def test_back_lets_batches_wait_again_and_loading_them_doubles_nothing(lab: bench.Connection) -> None:
    ingest_days(lab)
    for target in (READINGS, MEMBERS):
        bench.call(lab, target)
        stood = bench.rows(lab, target)
        assert move(lab, target, 1.5) == 2
        assert waiting(lab, target) == 2
        bench.call(lab, target)
        assert bench.rows(lab, target) == stood
        assert waiting(lab, target) == 0
        counts = lab.execute(
            "SELECT rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, rows_rejected "
            "FROM dwh_lineage.batches WHERE target = %s ORDER BY batch_no DESC LIMIT 1",
            (target,),
        ).fetchone()
        assert counts == ((3, 0, 0, 0, 2, 1) if target == READINGS else (2, 0, 0, 0, 2, 0))
    assert line(lab, READINGS) == {"current": 3, "quarantined": 1}


@pytest.mark.parametrize("target", [READINGS, MEMBERS])
def test_forward_skips_what_waits_and_a_rebuild_respects_it(lab: bench.Connection, target: str) -> None:
    ingest_days(lab)
    assert move(lab, target, 2) == 2
    bench.call(lab, target)
    stood = bench.rows(lab, target)
    assert len(stood) == 1
    assert line(lab, target) == {"current": 1, "skipped": 3 if target == READINGS else 2}
    bench.call(lab, target, "rebuild")
    assert bench.rows(lab, target) == stood


def test_a_late_event_does_not_fetch_a_skipped_one_back(lab: bench.Connection) -> None:
    ingest_days(lab)
    move(lab, MEMBERS, 2)
    bench.call(lab, MEMBERS)
    bench.ingest(lab, warehouse.RawMembers, [{**member("late", 2), "updated": "2024-01-02T12:00:00Z"}], "late.csv")
    bench.call(lab, MEMBERS)
    assert [row["name"] for row in sorted(bench.rows(lab, MEMBERS), key=lambda r: r["valid_from"])] == ["late", "v3"]
    assert line(lab, MEMBERS) == {"current": 1, "history": 1, "skipped": 2}


@pytest.mark.parametrize("target", [READINGS, MEMBERS])
def test_moving_back_undoes_a_skip(lab: bench.Connection, target: str) -> None:
    ingest_days(lab)
    move(lab, target, 2)
    bench.call(lab, target)
    assert move(lab, target, 0) == 3
    bench.call(lab, target)
    skipped_never = bench.rows(lab, target)
    assert "skipped" not in line(lab, target)
    bench.call(lab, target, "rebuild")
    assert bench.rows(lab, target) == skipped_never
    assert len(skipped_never) == 3


def test_what_was_loaded_before_is_not_skipped_when_it_waits_again(lab: bench.Connection) -> None:
    ingest_days(lab)
    bench.call(lab, READINGS)
    stood = bench.rows(lab, READINGS)
    move(lab, READINGS, 0)
    assert move(lab, READINGS, 3) == 0
    assert waiting(lab, READINGS) == 0
    bench.call(lab, READINGS, "rebuild")
    assert bench.rows(lab, READINGS) == stood
    assert line(lab, READINGS) == {"current": 3, "quarantined": 1}


def test_a_gold_table_goes_back_but_leaves_nothing_out(lab: bench.Connection) -> None:
    ingest_days(lab)
    bench.call(lab, READINGS)
    bench.call(lab, DAYS)
    stood = bench.rows(lab, DAYS)
    lab.execute("CALL dwh_etl.set_watermark(%s, '_loaded_at', '-infinity')", (DAYS,))
    assert waiting(lab, DAYS) == 1
    bench.call(lab, DAYS)
    assert bench.rows(lab, DAYS) == stood
    with pytest.raises(psycopg.Error, match="computed from the whole of its inputs") as refused:
        lab.execute("CALL dwh_etl.set_watermark(%s, '_loaded_at', 'infinity')", (DAYS,))
    assert refused.value.sqlstate == "AS041"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("('silver.nothing', '_ingested_at', now())", "takes no batches"),
        ("('bronze.raw_readings', '_ingested_at', now())", "takes no batches"),
        ("('silver.readings', 'updated_at', now())", "a time of the ledger"),
        ("('silver.readings', '_ingested_at', NULL)", "a time of the ledger"),
    ],
)
def test_what_is_no_watermark_is_refused(lab: bench.Connection, call: str, said: str) -> None:
    with pytest.raises(psycopg.Error, match=said):
        lab.execute(f"CALL dwh_etl.set_watermark{call}".encode())


def test_a_worker_may_not_skip(lab: bench.Connection) -> None:
    lab.execute("SET LOCAL ROLE etl_service")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        lab.execute("CALL dwh_etl.set_watermark('silver.readings', '_ingested_at', 'infinity')")


def test_a_move_waits_for_a_load_and_a_load_that_began_before_begins_again(connect: Connect) -> None:
    mover, loader = connect(), connect()
    loader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    loader.execute("SELECT 1 FROM dwh_lineage.pendings")  # the snapshot
    mover.execute("CALL dwh_etl.set_watermark('silver.readings', '_ingested_at', 'infinity')")
    with pytest.raises(psycopg.errors.SerializationFailure):
        bench.call(loader, READINGS)
    loader.execute("ROLLBACK")
    loader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    bench.call(loader, READINGS)
    done = threading.Event()

    def move_it() -> None:
        mover.execute("CALL dwh_etl.set_watermark('silver.readings', '_ingested_at', 'infinity')")
        done.set()

    thread = threading.Thread(target=move_it)
    thread.start()
    assert not done.wait(0.3)
    loader.execute("ROLLBACK")
    assert done.wait(5)
    thread.join()
