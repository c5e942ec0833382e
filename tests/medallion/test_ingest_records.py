"""JSON that somebody hands over in SQL: the same rows as from a file, a batch for each table, all or nothing."""

from __future__ import annotations

import json
from uuid import uuid4

import psycopg
import pytest

from medallion.sources import JsonLines
from tests.medallion.bronze_tables import Connection, bad_lines_of, rows_of
from tests.medallion.conftest import MakeBronze

ORDERS = [{"id": 1, "lines": [{"n": 1}, {"n": 2}]}, {"id": 2, "lines": []}, 5]


@pytest.fixture
def declare(owner: Connection, make_bronze: MakeBronze):  # type: ignore[no-untyped-def]
    """Two tables of one source: orders at "data", and their lines."""

    def contract(spec, **more):  # type: ignore[no-untyped-def]
        said = {"name": spec.target.split(".")[1], "source": {"name": "shop_api"}, "records": {"at": ["data"]}, **more}
        owner.execute("UPDATE dwh_lineage.targets SET contract = %s WHERE target = %s", (json.dumps(said), spec.target))
        return spec

    orders = contract(make_bronze("id", of=JsonLines))
    lines = contract(make_bronze("order_id n", {"order_id": ("^.id",)}, of=JsonLines, explode="lines"))
    return orders, lines


def test_each_table_of_the_source_gets_its_rows(declare, work: Connection) -> None:  # type: ignore[no-untyped-def]
    orders, lines = declare
    run = uuid4()
    (found,) = work.execute(
        "CALL dwh_etl.ingest_api_response('shop_api', %s, %s)", (json.dumps({"data": ORDERS}), run)
    ).fetchone() or (None,)
    assert found == run
    assert rows_of(work, orders) == [("1",), ("2",)]
    assert rows_of(work, lines) == [("1", "1"), ("1", "2")]
    batches = work.execute(
        "SELECT target, batch_no, rows_inserted, rows_rejected, source_system, batch_id "
        "FROM dwh_lineage.batches WHERE target IN (%s, %s) ORDER BY target", (orders.target, lines.target)
    ).fetchall()  # fmt: skip
    assert [(row[0], *row[2:]) for row in batches] == [
        (orders.target, 2, 1, "shop_api", run),
        (lines.target, 2, 1, "shop_api", run),
    ]
    assert bad_lines_of(work, batches[0][1])[0][3] == "A record must be a JSON object; this is a JSON number."


def test_one_object_is_one_record(declare, work: Connection) -> None:  # type: ignore[no-untyped-def]
    orders, _ = declare
    assert work.execute("SELECT dwh_etl.ingest_records('shop_api', '{\"data\": {\"id\": 9}}')").fetchone() == (1,)
    assert rows_of(work, orders) == [("9",)]


@pytest.mark.parametrize("payload", ['{"items": []}', '{"data": 5}', "[]", "null"])
def test_what_has_no_records_where_they_should_be_is_refused(declare, work: Connection, payload: str) -> None:  # type: ignore[no-untyped-def]
    orders, lines = declare
    with pytest.raises(psycopg.Error) as refused:
        work.execute("SELECT dwh_etl.ingest_records('shop_api', %s)", (payload,))
    assert refused.value.sqlstate == "AS013"
    assert "has no records at data" in str(refused.value)
    assert rows_of(work, orders) == rows_of(work, lines) == []


def test_an_unknown_source_is_refused_with_those_there_are(declare, work: Connection) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(psycopg.Error) as refused:
        work.execute("SELECT dwh_etl.ingest_records('crm', '[]')")
    assert refused.value.sqlstate == "AS010"
    assert "shop_api" in str(refused.value.diag.message_hint)
