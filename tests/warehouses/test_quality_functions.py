"""The guide's functions check_… and run_quality_gate, under its names and with its parameters."""

from __future__ import annotations

import re
import uuid
from typing import Any

import psycopg
import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import Connect
from tests.warehouses.lab import warehouse

pytestmark = pytest.mark.django_db

MEMBER: dict[str, str | None] = {"region": "n", "id": "1", "name": "A", "state": "a", "updated": "2024-01-01"}


@pytest.fixture
def history(lab: bench.Connection) -> bench.Connection:
    """One member with two versions, one with one and without a name."""
    rows = [MEMBER, MEMBER | {"name": "B", "updated": "2024-01-02"}, MEMBER | {"id": "2", "name": None}]
    bench.ingest(lab, warehouse.RawMembers, rows)
    bench.call(lab, "silver.members")
    return lab


def one(connection: bench.Connection, statement: str, *values: Any) -> Any:
    return connection.execute(statement.encode(), values).fetchone()


def metrics(connection: bench.Connection, run: uuid.UUID) -> dict[str, tuple[Any, ...]]:
    return {
        name: tuple(rest)
        for name, *rest in connection.execute(
            "SELECT metric_name, metric_value::int, passed FROM dwh_lineage.quality_metrics WHERE batch_id = %s", (run,)
        )
    }


def test_each_returns_what_the_guide_says_and_records_a_metric_of_its_run(history: bench.Connection) -> None:
    run = uuid.uuid4()
    checks = {
        "check_not_null('silver.members', 'name', %s)": (False, 1, 3),
        "check_unique('silver.members', ARRAY['region', 'id', 'valid_from'], %s)": (True, 0),
        "check_referential_integrity('silver.members', 'name', 'silver.latest', 'name', %s)": (False, 2),
        "check_range('silver.members', 'id', 1, 1, %s)": (False, 1),
    }
    for call, expected in checks.items():
        assert one(history, f"SELECT * FROM dwh_etl.{call}", run) == expected
    assert metrics(history, run) == {
        "null_check_name": (1, False), "unique_check_region_id_valid_from": (0, True),
        "referential_integrity_name": (2, False), "range_check_id": (1, False),
    }  # fmt: skip
    assert one(history, "SELECT passed FROM dwh_etl.check_not_null('silver.members', 'id')") == (True,)


def test_errata_14_a_filter_says_which_rows_of_a_history_have_to_be_unique(history: bench.Connection) -> None:
    assert one(history, "SELECT * FROM dwh_etl.check_unique('silver.members', ARRAY['id'])") == (False, 1)
    filtered = "SELECT * FROM dwh_etl.check_unique('silver.members', ARRAY['id'], in_filter => 'is_current')"
    assert one(history, filtered) == (True, 0)


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("silver.nobody", "id", "no table silver.nobody"),
        ("silver.members; DROP TABLE silver.members", "id", "There is no table"),
        ("(SELECT 1 AS id) AS x", "id", "There is no table"),
        ("silver.members", "id IS NULL OR true", "has no column id IS NULL OR true"),
        ("silver.members", "ctid", "has no column ctid"),
        ("members", "id", "There is no table members"),
    ],
)
def test_errata_15_names_are_names_and_never_sql(history: bench.Connection, table: str, column: str, said: str) -> None:
    for call in ("check_not_null(%s, %s)", "check_unique(%s, ARRAY[%s])", "check_range(%s, %s, 0, 1)",
                 "check_referential_integrity(%s, %s, 'silver.latest', 'name')"):  # fmt: skip
        with pytest.raises(psycopg.Error, match=re.escape(said)) as refused, history.transaction():
            one(history, f"SELECT * FROM dwh_etl.{call}", table, column)
        assert refused.value.sqlstate == "AS084"


def test_errata_4_the_evidence_of_a_gate_survives_its_verdict(connect_empty: Connect) -> None:
    lab, run = connect_empty(), uuid.uuid4()
    for target in bench.LOADED:
        bench.run(lab, target)
    call = b"CALL dwh_etl.run_quality_gate('gold.fact_events', %s, true)"
    lab.execute(call, (run,))
    lab.execute("INSERT INTO gold.fact_events (region, id, version_key, member_key, date_key, score, _batch_id) "
                "VALUES ('n', 1, -1, -1, -1, 1001, %s)", (run,))  # fmt: skip
    with pytest.raises(psycopg.Error, match=r"The quality gate of gold.fact_events does not hold") as refused:
        lab.execute(call, (run,))
    assert refused.value.sqlstate == "AS085"
    assert "1 rows have a value of score outside of 0 to 1000" in str(refused.value.diag.message_detail)
    assert metrics(lab, run)["between_score"] == (1, False)
    notices: list[str] = []
    lab.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
    with lab.transaction():
        lab.execute(call.replace(b"true", b"false"), (run,))
    assert notices[-1] == "The quality gate of gold.fact_events does not hold."
    lab.execute("CALL dwh_etl.run_quality_gate('silver.members', %s)", (run,))
    assert notices[-1] == "No checks are declared for silver.members."
    with pytest.raises(psycopg.Error, match="There is no table nowhere"):
        lab.execute("CALL dwh_etl.run_quality_gate('nowhere', %s)", (run,))
