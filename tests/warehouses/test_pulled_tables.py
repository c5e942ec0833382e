"""From a table of another database to history: what is gone there ends here, and reading twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from medallion.pulling.pull import pull
from medallion.registry import warehouse
from tests.warehouses.bench_database import Connection
from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

DECLARED = """
class Customers(sources.PostgresTable):
    url = "${ASSAY_TEST_OLTP_URL}"
    table = "data.customers"


class Changes(sources.PostgresTable):
    url = "${ASSAY_TEST_OLTP_URL}"
    table = "data.customers"
    cursor = "updated_at"


class ShopWhole(bronze.Table):
    source = Customers
    columns = {"customer_no": "id", "name": "name"}


class ShopChanged(bronze.Table):
    source = Changes
    columns = "id name updated_at"


class ShopCustomers(silver.Table):
    customer_no = Integer("customer_no")
    name = Text("name", rules=[Required()])

    class Meta:
        source = ShopWhole
        key = "customer_no"
        history = SCD2(full_extract=True, max_gone="50%")


class ShopVersions(silver.Table):
    id = Integer("id")
    name = Text("name", rules=[Required()])
    updated_at = Timestamp("updated_at")

    class Meta:
        source = ShopChanged
        key = "id"
        history = SCD2(effective="updated_at")
"""


@pytest.fixture
def oltp(pristine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A connection to a second database with four customers."""
    name = sql.Identifier(f"{pristine['dbname']}_oltp2")
    with psycopg.connect(**pristine | {"dbname": "postgres"}, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        found = pristine | {"dbname": f"{pristine['dbname']}_oltp2"}
        monkeypatch.setenv("ASSAY_TEST_OLTP_URL", psycopg.conninfo.make_conninfo(**found))
        with psycopg.connect(**found, autocommit=True) as connection:
            connection.execute(
                "CREATE SCHEMA data; CREATE TABLE data.customers (id int, name text, updated_at timestamptz);"
                "INSERT INTO data.customers SELECT n, 'name ' || n, '2026-01-01' FROM generate_series(1, 4) AS n;"
                "INSERT INTO data.customers VALUES (5, NULL, '2026-01-01')"
            )
            yield connection
        server.execute(sql.SQL("DROP DATABASE {}").format(name))


def test_from_a_table_to_history(shop: Shop, oltp: Connection) -> None:
    shop.step(DECLARED)
    sources = warehouse().pulled

    def renew() -> None:
        for source in sources.values():
            pull(source)
        shop.run("silver.shop_customers", "silver.shop_versions")

    def standing(table: str) -> list[tuple[Any, ...]]:
        return shop.sql.execute(
            f"SELECT {'customer_no' if table == 'shop_customers' else 'id'}, name FROM silver.{table} "
            "WHERE is_current ORDER BY 1"
        ).fetchall()

    def everything() -> list[Any]:
        tables = ("silver.shop_customers", "silver.shop_versions", "dwh_lineage.quality_exceptions")
        return [shop.sql.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables]

    renew()
    four = [(n, f"name {n}") for n in range(1, 5)]
    assert (standing("shop_customers"), standing("shop_versions")) == (four, four)
    before = everything()
    renew()
    assert everything() == before, "pulling twice changed something"

    oltp.execute("DELETE FROM data.customers WHERE id = 2")
    oltp.execute("UPDATE data.customers SET name = 'Ada', updated_at = '2026-02-01' WHERE id = 1")
    renew()
    assert standing("shop_customers") == [(1, "Ada"), (3, "name 3"), (4, "name 4")]
    assert standing("shop_versions") == [(1, "Ada"), *four[1:]], "a cursor sees no deletes"

    oltp.execute("DELETE FROM data.customers WHERE id > 2")
    with pytest.raises(psycopg.Error, match="lacks"):
        renew()
    assert len(standing("shop_customers")) == 3, "the guard let an extract pass that lacks half of the keys"
