"""silver → gold: a fact with three dimensions and a daily aggregate, against SQL written by hand for just these tables.

The hand-written SQL truncates and inserts for a full build, foreign keys dropped before and added after; for a restated
day it is told which day, and deletes and inserts that one alone.
"""

from __future__ import annotations

import psycopg
from psycopg.rows import TupleRow

from bench.report import Row, compared, seconds
from bench.star import STAR
from medallion import compile as compiler

Connection = psycopg.Connection[TupleRow]

#: Four lines an order, 1,000 products, a customer for 20 orders.
_SILVER = {
    "silver.products": """
        INSERT INTO silver.products (
            product_id, name, category, price, valid_from, is_current, _source_bronze_id, _batch_id
        )
        SELECT 'P' || n, 'Product ' || n, (ARRAY['books', 'garden', 'kitchen', 'music', 'toys'])[1 + n %% 5], 10,
            '2020-01-01', true, n, gen_random_uuid()
        FROM generate_series(0, 999) AS n""",
    "silver.customers": """
        INSERT INTO silver.customers (
            customer_id, email, email_domain, name, status, channel, city, country, created_on, valid_from, is_current,
            _source_bronze_id, _batch_id
        )
        SELECT md5('c' || n)::uuid, 'c' || n || '@example.org', 'example.org', 'Customer ' || n, 'active', 'web',
            'Wien', 'AT', '2020-01-01', '2020-01-01', true, n, gen_random_uuid()
        FROM generate_series(0, %(orders)s / 20) AS n""",
    "silver.orders": """
        INSERT INTO silver.orders (
            order_id, customer_id, ordered_at, status, total, valid_from, is_current, _source_bronze_id, _batch_id
        )
        SELECT md5(n::text)::uuid, md5('c' || n %% (%(orders)s / 20))::uuid,
            timestamptz '2020-01-01 12:00+00' + n %% %(days)s * interval '1 day', 'paid', 10, '2020-01-01', true, n,
            gen_random_uuid()
        FROM generate_series(1, %(orders)s) AS n""",
    "silver.order_items": """
        INSERT INTO silver.order_items (
            order_id, order_line_number, product_id, quantity, unit_price, discount, tax, valid_from, is_current,
            _source_bronze_id, _batch_id
        )
        SELECT md5(n::text)::uuid, l, 'P' || (n * 7 + l) %% 1000, 1 + n %% 5, 9.99, 0, 0, '2024-01-01', true, n,
            gen_random_uuid()
        FROM generate_series(1, %(orders)s) AS n, generate_series(1, 4) AS l""",
}
_RESTATED = """
    UPDATE silver.order_items AS i SET quantity = quantity + 1 FROM silver.orders AS o
    WHERE o.order_id = i.order_id AND o.ordered_at = '2020-02-01 12:00+00'
"""
_KEYS = {"customer_key": "dim_customer", "product_key": "dim_product", "date_key": "dim_date"}


def run(connection_url: str, size: int = 1_000_000, tries: int = 1) -> list[Row]:
    """Measures a full build and one restated day of `size` lines, `tries` times anew."""
    measured: dict[tuple[str, float], list[tuple[float, float]]] = {}
    with psycopg.connect(connection_url, autocommit=True) as connection:
        fill(connection, size // 4)
        for _ in range(tries):
            for table in STAR:
                connection.execute(_literal(compiler.create(table.target, table.contract(), "bench").forward))
                connection.execute(_literal(_hand_table(table.target)))
            pairs = measured.setdefault((f"gold fact + daily aggregate, full, {size:,} lines", 1.2), [])
            pairs.append((seconds(lambda: _by_hand(connection)), seconds(lambda: _by_load(connection))))
            connection.execute("VACUUM ANALYZE gold.bench_fact")
            connection.execute("VACUUM ANALYZE dwh_staging.hand_bench_fact")
            with connection.transaction():
                batch(connection, "silver.order_items", _RESTATED)
            pairs = measured.setdefault((f"gold, one restated day of 461, {size:,} lines", 2), [])
            pairs.append((seconds(lambda: _one_day_by_hand(connection)), seconds(lambda: _by_load(connection))))
            _compare(connection)
            for table in reversed(STAR):
                connection.execute(_literal(compiler.create(table.target, table.contract(), "bench").backward))
                connection.execute(_literal(f"DROP TABLE dwh_staging.hand_{table.name}"))
    return [compared(operation, pairs, goal) for (operation, goal), pairs in measured.items()]


def fill(connection: Connection, orders: int, days: int = 461) -> None:
    """Silver tables with so many orders on so many days, and their dimensions."""
    for target, statement in _SILVER.items():
        with connection.transaction():
            batch(connection, target, statement, {"orders": orders, "days": days})
        connection.execute(_literal(f"VACUUM ANALYZE {target}"))
    for target in ("gold_dim_customer", "gold_dim_product"):
        load(connection, target)


def batch(connection: Connection, target: str, statement: str, parameters: dict[str, int] | None = None) -> None:
    """Writes rows as a load does."""
    opened = connection.execute("SELECT dwh_lineage.open_batch(%s, 'load', gen_random_uuid())", (target,)).fetchone()
    rows = connection.execute(_literal(statement), parameters).rowcount
    connection.execute("SELECT dwh_lineage.close_batch(%s, NULL, %s)", (*(opened or ()), rows))


def _hand_table(target: str) -> str:
    name = f"dwh_staging.hand_{target.split('.')[1]}"
    return f"CREATE TABLE {name} (LIKE {target} INCLUDING DEFAULTS INCLUDING INDEXES)"


def _insert(name: str, where: str = "") -> str:
    table = next(table for table in STAR if table.name == name)
    columns = ", ".join(table.parsed().output_names())
    query = table.parsed().text.replace("gold.bench_fact", "dwh_staging.hand_bench_fact")
    return (
        f"INSERT INTO dwh_staging.hand_{name} ({columns}, _batch_id) "
        f"SELECT q.*, gen_random_uuid() FROM ({query}) AS q{where}"
    )


def _by_hand(connection: Connection) -> None:
    with connection.transaction():
        connection.execute(_literal(_insert("bench_fact")))
        for column, dimension in _KEYS.items():
            connection.execute(
                _literal(
                    f"ALTER TABLE dwh_staging.hand_bench_fact ADD FOREIGN KEY ({column}) REFERENCES gold.{dimension}"
                )
            )
        connection.execute(_literal(_insert("bench_daily")))


def _one_day_by_hand(connection: Connection) -> None:
    with connection.transaction():
        for name in ("bench_fact", "bench_daily"):
            connection.execute(_literal(f"DELETE FROM dwh_staging.hand_{name} WHERE date_key = 20200201"))
        where = " WHERE q.date_key = 20200201"
        connection.execute(_literal(_insert("bench_fact", where)))
        connection.execute(_literal(_insert("bench_daily", where)))


def _by_load(connection: Connection) -> None:
    for table in STAR:
        load(connection, table.target.replace(".", "_"))


def load(connection: Connection, name: str) -> None:
    """Loads a gold table, in a transaction of its own."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    connection.execute(_literal(f"CALL dwh_etl.load_{name}()"))
    connection.execute("COMMIT")


def _compare(connection: Connection) -> None:
    """Both ways come to the same rows, or the measure means nothing."""
    for table in STAR:
        columns = ", ".join(table.parsed().output_names())
        difference = connection.execute(
            _literal(
                f"SELECT count(*) FROM (SELECT {columns} FROM {table.target} "
                f"EXCEPT ALL SELECT {columns} FROM dwh_staging.hand_{table.name}) AS d"
            )
        ).fetchone()
        if difference != (0,):
            raise AssertionError(f"{table.target}: {difference} rows differ from those of the hand-written SQL.")


def _literal(text: str) -> bytes:
    """SQL that is made here, not by a person's input; psycopg takes bytes for that."""
    return text.encode()
