"""The tables that the measures load: customers with history, all kinds of rules, deletes by marker."""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from medallion import compile as compiler
from medallion.warehouse import (
    SCD2,
    Date,
    Matches,
    MinLength,
    OneOf,
    Pipeline,
    Required,
    Text,
    Timestamp,
    Uuid,
    bronze,
    silver,
    sources,
)


class Crm(sources.CsvFiles):
    """Files of the measures of bronze; those of silver write bronze by SQL, to leave the reading of files out."""

    path = "*.csv"
    pickup = True


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


class BenchLoads(Pipeline):
    """What a run of the measures loads."""

    targets = [BenchCustomers]


TABLES = (BenchRawCustomers, BenchCustomers)


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
