"""The tables that the measures load: customers with history, all kinds of rules, deletes by marker; a fact and an
aggregate over the tables of the ecommerce example."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from ecommerce.warehouse import DimCustomer, DimDate, DimProduct
from medallion import compile as compiler
from medallion.warehouse import (
    SCD2,
    Date,
    Matches,
    MinLength,
    OneOf,
    Required,
    Text,
    Timestamp,
    Uuid,
    bronze,
    gold,
    silver,
    sources,
)


class Crm(sources.CsvFiles):
    """Never read: the measures write bronze by SQL, to leave the reading of files out."""

    path = "bench/*.csv"


class BenchRawCustomers(bronze.Table):
    """Customers as they arrive."""

    source = Crm
    columns = "id email name status created_date updated_date op"


class BenchCustomers(silver.Table):
    """Customers with their history."""

    customer_id = Uuid("id", rules=[Required()])
    email = Text("lower(trim(email))", rules=[Required(), Matches(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")])
    name = Text("trim(name)", rules=[MinLength(2)])
    status = Text("lower(trim(status))", rules=[OneOf("active", "inactive", "suspended")])
    created_on = Date("created_date")
    updated_at = Timestamp("updated_date")

    class Meta:
        source = BenchRawCustomers
        key = "customer_id"
        history = SCD2(effective="updated_at", deleted_when="op = 'D'")


class BenchFact(gold.Fact):
    """Order lines with their customers, products and days."""

    query, grain = "bench_fact.sql", "order_id order_line_number"
    dimensions = {"customer_key": DimCustomer, "product_key": DimProduct, "date_key": DimDate}


class BenchDaily(gold.Aggregate):
    """What was sold on each day."""

    query, grain = "bench_daily.sql", "date_key customer_segment product_category"


TABLES = (BenchRawCustomers, BenchCustomers)
STAR = (BenchFact, BenchDaily)


def install(connection: psycopg.Connection[TupleRow], *tables: type[bronze.Table | silver.Table]) -> None:
    """Makes the tables as a migration does."""
    for table in tables:
        connection.execute(compiler.create(table.target, table.contract(), "bench").forward.encode())


def remove(connection: psycopg.Connection[TupleRow]) -> None:
    """Takes away those that are there, with their rows."""
    connection.execute("SET assay.drop_rows = on")
    for table in reversed(TABLES):
        installed = connection.execute(
            "SELECT 1 FROM dwh_lineage.targets WHERE target = %s", (table.target,)
        ).fetchone()
        if installed:
            connection.execute(compiler.create(table.target, table.contract(), "bench").backward.encode())
