"""max_rejected: a batch with too many rejected rows lands nothing, leaves its evidence, and waits for a decision."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from medallion import bronze, compile, silver
from tests.warehouses import bench_database as bench
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

GOOD = {
    "sensor": "ab", "order": "1", "amount": "1", "big": "5", "at": "2024-01-01 10:00", "state": "on",
    "region": "n", "id": "1", "updated": "2024-01-01",
}  # fmt: skip
BAD = GOOD | {"state": "broken"}
TABLES = [
    (warehouse.RawReadings, warehouse.Readings),
    (warehouse.RawMembers, warehouse.Members),
    (warehouse.RawMembers, warehouse.Latest),
]


def declared(lab: bench.Connection, table: type[silver.Table], limit: str) -> str:
    """Gives a table a limit and returns its name."""
    old = table.contract()
    new = {**old, "max_rejected": limit}
    lab.execute(compile.replace(table.target, old, new, "lab").forward)
    assert _value(lab, "SELECT needs_rebuild FROM dwh_lineage.targets WHERE target = %s", table.target) is False
    return table.target


def refused(lab: bench.Connection, target: str) -> str:
    """What a load says that its gate refuses; the load is rolled back."""
    with pytest.raises(psycopg.Error) as caught, lab.transaction():
        bench.call(lab, target)
    assert caught.value.sqlstate == "AS050"
    return f"{caught.value.diag.message_primary} {caught.value.diag.message_detail} {caught.value.diag.message_hint}"


@pytest.mark.parametrize(("source", "table"), TABLES)
def test_too_many_rejected_rows_wait_with_their_evidence_until_somebody_lets_them_pass(
    lab: bench.Connection, source: type[bronze.Table], table: type[silver.Table]
) -> None:
    target = declared(lab, table, "50%")
    good = GOOD | ({"state": "a"} if source is warehouse.RawMembers else {})
    fine = bench.ingest(lab, source, [good, BAD])
    bench.call(lab, target)
    assert _outcomes(lab, target) == {"current": 1, "quarantined": 1}

    batch = bench.ingest(lab, source, [good, BAD, BAD], "b.csv").batch_no
    said = refused(lab, target)
    assert f"More than 50 % of the rows of a batch would be rejected from {target}" in said
    assert f"Batch {batch}: 2 of 3 rows." in said
    assert str(fine.batch_no) not in said.split("Batch")[1].split(":")[0] or fine.batch_no == batch

    bench.call(lab, target, "evidence")
    bench.call(lab, target, "evidence")
    assert _outcomes(lab, target) == {"current": 1, "quarantined": 1, "waiting": 3}
    assert _value(lab, "SELECT count(*) FROM dwh_lineage.quality_exceptions WHERE target_table = %s", target) == 3
    assert lab.execute(
        "SELECT DISTINCT metric_value::float, threshold::int, passed FROM dwh_lineage.quality_metrics "
        "WHERE table_name = %s AND metric_name = 'rejected'", (target,)
    ).fetchall() == [(66.6667, 50, False)]  # fmt: skip
    refused(lab, target)

    lab.execute("SELECT dwh_etl.override_gate(%s, %s, 'seen, and fine')", (target, batch))
    bench.call(lab, target)
    line = _outcomes(lab, target)
    assert line["quarantined"] == 3
    assert sum(line.values()) == 5
    assert _value(lab, "SELECT details ->> 'reason' FROM dwh_lineage.quality_metrics WHERE table_name = %s "
                       "AND metric_name = 'gate_override'", target) == "seen, and fine"  # fmt: skip


def test_a_number_of_rows_is_a_limit_and_a_rebuild_does_not_ask(lab: bench.Connection) -> None:
    target = declared(lab, warehouse.Readings, "1")
    bench.ingest(lab, warehouse.RawReadings, [BAD, BAD])
    assert "More than 1 of the rows" in refused(lab, target)
    bench.call(lab, target, "rebuild")
    assert _outcomes(lab, target) == {"quarantined": 2}


@pytest.mark.parametrize(("reason", "said"), [(" ", "needs a reason"), ("why", "does not wait")])
def test_a_batch_that_does_not_wait_and_an_empty_reason_are_refused(
    lab: bench.Connection, reason: str, said: str
) -> None:
    batch = bench.ingest(lab, warehouse.RawReadings, [BAD]).batch_no + 1_000_000
    with pytest.raises(psycopg.Error, match=said) as caught:
        lab.execute("SELECT dwh_etl.override_gate('silver.readings', %s, %s)", (batch, reason))
    assert caught.value.sqlstate == "AS052"


@pytest.mark.parametrize("table", [warehouse.Rolls, warehouse.RollNow])
def test_an_extract_that_lacks_too_many_keys_waits_until_somebody_lets_it_pass(
    lab: bench.Connection, table: type[silver.Table]
) -> None:
    target = table.target
    old = table.contract()
    lab.execute(compile.replace(target, old, {**old, "max_gone": "20%"}, "lab").forward)
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    whole = [{"id": str(number), "name": "A"} for number in range(10)]

    def extract(day: int, rows: list[dict[str, str]]) -> int:
        return bench.ingest(
            lab, warehouse.RawMembers, rows, f"{day}.csv", month + timedelta(seconds=day), 10**9 + 100 * day
        ).batch_no

    def present() -> set[int]:
        return {row["id"] for row in bench.rows(lab, target) if row.get("is_current", True)}

    extract(1, whole)
    bench.call(lab, target)
    extract(2, whole[2:])
    bench.call(lab, target)
    assert present() == set(range(2, 10))
    cut_off = extract(4, [*whole[2:4], {"id": "4", "name": "broken"}])
    with pytest.raises(psycopg.Error) as caught, lab.transaction():
        bench.call(lab, target)
    assert caught.value.sqlstate == "AS051"
    assert f"An extract lacks 5 of the 8 keys that {target} had" in str(caught.value)
    assert f"batch {cut_off}, file 4.csv" in str(caught.value.diag.message_detail)
    assert present() == set(range(2, 10))
    lab.execute("SELECT dwh_etl.override_gate(%s, %s, 'they left')", (target, cut_off))
    bench.call(lab, target)
    assert present() == {2, 3, 4}
    extract(3, whole[2:])
    bench.call(lab, target)
    assert present() == {2, 3, 4}
    bench.call(lab, target, "rebuild")
    assert present() == {2, 3, 4}


def _outcomes(lab: bench.Connection, target: str) -> dict[str, int]:
    found = _value(lab, "SELECT dwh_etl.measure_accounting(%s)", target)
    assert found.pop("gap") == 0
    return dict(Counter({name: n for name, n in found.items() if not name.endswith(" rows")}))


def _value(lab: bench.Connection, statement: str, target: str) -> Any:
    row = lab.execute(statement, (target,)).fetchone()
    assert row is not None
    return row[0]
