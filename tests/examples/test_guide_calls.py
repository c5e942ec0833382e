"""The calls of the guide, as somebody types them in psql, on the example that it describes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from assay.embedded import instance as instances
from assay.servers import MARK
from tests.examples.conftest import Files, Shop

Copy = Callable[[], psycopg.Connection[tuple[Any, ...]]]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("email", "name", "status", "issues"),
    [
        (" Ada@Example.org ", "Ada", "ACTIVE", []),
        (None, "A", None, ["The e-mail is missing", "The name has fewer than two characters",
                           "status is none of active, inactive, suspended"]),
        ("nobody", "Bo", "active", ["The e-mail is no address"]),
    ],
)  # fmt: skip
def test_a_customer_is_validated_by_the_rules_of_the_table(
    shop: Shop, email: str | None, name: str, status: str | None, issues: list[str]
) -> None:
    shop.query_nothing("SET LOCAL ROLE etl_service")
    found = shop.query("SELECT is_valid, issues FROM dwh_etl.validate_customer(%s, %s, %s)", email, name, status)
    assert found == [(not issues, issues)]
    assert shop.query("SELECT count(*) FROM bronze.raw_customers") == [(0,)]
    assert shop.query("SELECT count(*) FROM dwh_lineage.batches WHERE target = 'bronze.raw_customers'") == [(0,)]


def test_what_cannot_be_judged_is_refused(shop: Shop) -> None:
    for call, state in {"'silver.nothing', '{}'": "AS010", "'silver.customers', '{\"x; DROP\": 1}'": "AS063"}.items():
        with pytest.raises(psycopg.Error) as refused, shop.connection.transaction():
            shop.query(f"SELECT * FROM dwh_etl.judge_row({call})")
        assert refused.value.sqlstate == state


def test_a_change_and_an_answer_of_an_api_land_by_the_guide_s_calls(shop: Shop) -> None:
    shop.query_nothing("SET LOCAL ROLE etl_service")
    before, after = {"id": 1, "email": "a@b.example"}, {"id": 1, "email": "c@d.example"}
    shop.connection.execute(
        "CALL dwh_etl.ingest_cdc_event('UPDATE', '2026-03-01 12:00+00', %s, %s)",
        (json.dumps(before), json.dumps(after)),
    )
    changes = "SELECT _cdc_operation, _cdc_timestamp, email, before_data, after_data FROM bronze.raw_customers_cdc"
    assert shop.query(changes) == [("u", "2026-03-01 12:00:00.000000+00", "c@d.example", before, after)]
    shop.connection.execute("CALL dwh_etl.ingest_api_response('api_responses', %s)", (json.dumps({"data": [before]}),))
    answers = "SELECT id, email, _raw_payload, _batch_id IS NOT NULL FROM bronze.raw_api_responses"
    assert shop.query(answers) == [("1", "a@b.example", before, True)]


def test_the_incremental_load_is_the_load(shop: Shop) -> None:
    days = shop.files.of("orders")
    for day in days[:2]:
        shop.ingest("orders", day)
        shop.query_nothing("CALL dwh_etl.load_silver_orders_incremental()")
    taken = shop.query("SELECT count(*), sum(rows_read) > 0 FROM dwh_lineage.batches WHERE target = 'silver.orders'")
    assert taken == [(2, True)]
    assert shop.query("SELECT count(*) FROM dwh_lineage.pendings WHERE consumer = 'silver.orders'") == [(0,)]


@pytest.fixture
def on_the_host(database_copy: Copy, files: Files) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A session that may read files of the server's host, where yesterday's files of customers and orders are.

    The server itself writes them: it could not read what we write. Skipped where the server is not ours.
    """
    mark = os.environ.get(MARK, "redis")
    if mark.startswith("redis"):
        pytest.skip("Needs the embedded PostgreSQL, and its superuser.")
    database = database_copy().info.dbname
    with psycopg.connect(instances.parse(mark).superuser_url, dbname=database, autocommit=True) as server:
        (folder,) = (
            server.execute("SELECT current_setting('data_directory') || '/' || %s", (database,)).fetchone() or ()
        )
        for table, place in {"customers": "ecommerce/crm", "orders": "ecommerce/shop"}.items():
            lines = (files.root / files.of(table)[0]).read_text(encoding="utf-8").splitlines()[:9]
            path = f"{folder}/{place}/{table}_{date.today() - timedelta(days=1)}.csv"
            program = sql.Literal(f"mkdir -p '{folder}/{place}' && cat > '{path}'")
            server.execute(
                sql.SQL("COPY (SELECT unnest({}::text[])) TO PROGRAM {}").format(sql.Literal(lines), program)
            )
        server.execute(sql.SQL("SET assay.files = {}").format(sql.Literal(folder)))
        yield server
        server.execute(sql.SQL("COPY (SELECT 1) TO PROGRAM {}").format(sql.Literal(f"rm -r '{folder}'")))


def test_files_of_the_database_s_host_are_ingested_once(on_the_host: psycopg.Connection[tuple[Any, ...]]) -> None:
    yesterday = date.today() - timedelta(days=1)
    on_the_host.execute("CALL dwh_etl.ingest_daily_customers(current_date - 1)")
    on_the_host.execute("CALL dwh_etl.ingest_orders(current_date - 1)")
    landed = "SELECT count(*), min(_source_system), min(split_part(_source_file, '/ecommerce/', 2)) FROM bronze.raw_{}"
    assert on_the_host.execute(landed.format("customers")).fetchone() == (
        8,
        "crm_customers",
        f"crm/customers_{yesterday}.csv",
    )
    assert on_the_host.execute(landed.format("orders")).fetchone() == (8, "shop_orders", f"shop/orders_{yesterday}.csv")
    (path,) = on_the_host.execute("SELECT DISTINCT _source_file FROM bronze.raw_orders").fetchone() or ()
    refused = {
        "CALL dwh_etl.ingest_customers()": "AS112",
        "CALL dwh_etl.ingest_daily_orders('2020-01-01')": "58P01",  # no such file
        f"CALL dwh_etl.ingest_customers_csv('{path}')": "22P04",  # the header is that of orders
        "CALL dwh_etl.ingest_customers_csv('../etc/passwd')": "AS111",
        "SELECT dwh_etl.ingest_csv_file('bronze.nothing', 'x')": "AS010",
        f"SET ROLE etl_service; CALL dwh_etl.ingest_customers_csv('{path}')": "AS111",
    }
    for statement, state in refused.items():
        with pytest.raises(psycopg.Error) as error:
            on_the_host.execute(statement)
        assert error.value.sqlstate == state, statement
    on_the_host.execute("RESET ROLE")
    assert on_the_host.execute("SELECT count(*) FROM dwh_lineage.batches WHERE kind = 'ingest'").fetchone() == (2,)


def test_the_pipelines_of_the_guide_are_those_of_the_example(database_copy: Copy) -> None:
    connection = database_copy()
    for call, name in {
        "run_ecommerce_pipeline('2026-03-01')": "ecommerce_daily",
        "run_daily_pipeline()": "daily_etl",
    }.items():
        connection.execute(sql.SQL("CALL dwh_etl.") + sql.SQL(call))  # type: ignore[arg-type]
        found = connection.execute(
            "SELECT pipeline_name, status FROM dwh_lineage.pipeline_runs ORDER BY run_id DESC LIMIT 1"
        )
        assert found.fetchone() == (name, "completed")
