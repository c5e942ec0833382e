"""Real databases, pulled by declarations alone: what silver has is what a query there says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from medallion import bronze
from medallion.pulling import pull as pulling
from tests.real.conftest import Connection, Take, Taken, need

pytestmark = pytest.mark.django_db

Serve = Callable[..., Connection]


@pytest.fixture
def serve(pristine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """serve(dump, …): a connection to a second database with these dumps in its schema `data`."""
    name = f"{pristine['dbname']}_real"
    made: list[Connection] = []
    with psycopg.connect(**pristine | {"dbname": "postgres"}, autocommit=True) as server:
        dropped = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))

        def serve(*dumps: Path) -> Connection:
            server.execute(dropped)
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            connection = psycopg.connect(**pristine | {"dbname": name}, autocommit=True)
            made.append(connection)
            for dump in dumps:
                restore(connection, dump.read_text(encoding="utf-8"))
            connection.execute("ALTER SCHEMA public RENAME TO data")
            monkeypatch.setenv("ASSAY_TEST_REAL_URL", psycopg.conninfo.make_conninfo(**pristine | {"dbname": name}))
            return connection

        yield serve
        for connection in made:
            connection.close()
        server.execute(dropped)


def restore(connection: Connection, dump: str) -> None:
    """Runs a dump as psql would, without what needs a superuser: other owners, foreign keys put off."""
    dump = re.sub(r"^(ALTER .* OWNER TO|CREATE PROCEDURAL LANGUAGE|REVOKE|GRANT) .*;$", "", dump, flags=re.M)
    dump = re.sub(r"^ALTER TABLE [^;]*(TRIGGER ALL|FOREIGN KEY [^;]*);$", "", dump, flags=re.M)
    for part in re.split(r"^(?=COPY .* FROM stdin;$)", dump, flags=re.M):
        head, _, rest = part.partition("\n") if part.startswith("COPY") else ("", "", part)
        if head:
            rows, _, rest = rest.partition("\\.\n")
            with connection.cursor() as cursor, cursor.copy(head.rstrip(";").encode()) as copy:
                copy.write(rows)
        connection.execute(rest.encode())


def pull_again(taken: Taken) -> int:
    """Pulls all sources once more, and loads; returns how many rows have landed."""
    rows = 0
    for table in taken._of(bronze.Table):
        found = pulling._begin(taken.connection, table.source, False)
        rows += pulling._go_on(taken.connection, table.source, found, None, lambda so_far: None).rows
    taken.load()
    return rows


def test_northwind(serve: Serve, take: Take) -> None:
    there = serve(need("northwind") / "northwind/northwind.sql")
    taken = take("northwind_database")
    assert taken.gaps() == {}
    orders = there.execute(
        "SELECT order_id, order_date, shipped_date, freight::numeric, ship_name FROM data.orders "
        "WHERE shipped_date IS NOT NULL ORDER BY 1"
    ).fetchall()
    columns = ["order_id", "ordered_on", "shipped_on", "freight", "ship_name"]
    assert sorted(taken.rows("silver.db_orders", columns)) == orders
    assert len(orders) == 809
    assert taken.reasons("silver.db_orders") == {"shipped_on:required": 21}
    lines = there.execute(
        "SELECT order_id, product_id, unit_price::numeric, quantity, discount::numeric FROM data.order_details "
        "ORDER BY 1, 2"
    ).fetchall()
    names = ["order_id", "product_id", "unit_price", "quantity", "discount"]
    assert sorted(taken.rows("silver.db_lines", names)) == lines
    assert len(lines) == 2155
    products = there.execute(
        "SELECT p.product_id, c.category_name, p.discontinued = 1 FROM data.products AS p "
        "JOIN data.categories AS c USING (category_id) ORDER BY 1"
    ).fetchall()
    assert sorted(taken.rows("silver.db_products", ["product_no", "category", "is_discontinued"])) == products
    assert pull_again(taken) == 0


@pytest.mark.slow
def test_pagila(serve: Serve, take: Take) -> None:
    folder = need("pagila") / "pagila"
    there = serve(folder / "pagila-schema.sql", folder / "pagila-data.sql")
    taken = take("pagila_database")
    assert taken.gaps() == {}
    rentals = there.execute(
        "SELECT rental_id, customer_id, rental_date, return_date, last_update FROM data.rental "
        "WHERE return_date IS NOT NULL ORDER BY 1"
    ).fetchall()
    names = ["rental_id", "customer_id", "rented_at", "returned_at", "valid_from"]
    found = [tuple(v.replace(tzinfo=None) if hasattr(v, "tzinfo") else v for v in row)
             for row in sorted(taken.rows("silver.db_rentals", names))]  # fmt: skip
    assert found == rentals
    assert taken.count("bronze.raw_db_rentals") == 16044
    paid = there.execute("SELECT count(*), sum(amount) FROM data.payment").fetchone()
    amounts = [amount for (amount,) in taken.rows("silver.db_payments", ["amount"])]
    assert (len(amounts), sum(amounts)) == paid
    films = there.execute("SELECT film_id, to_jsonb(special_features) FROM data.film ORDER BY 1").fetchall()
    assert sorted(taken.rows("silver.db_films", ["film_id", "features"])) == films
    standing = taken.rows("silver.db_rentals", ["rental_id", "valid_from", "_loaded_at"])
    assert pull_again(taken) == 0
    assert taken.rows("silver.db_rentals", ["rental_id", "valid_from", "_loaded_at"]) == standing
