"""What a change costs as a star grows: the same 1,000 changed lines of 10⁵, 10⁶ and (asked for) 10⁷, in one day and
spread over all of them.

A day always has 2,500 lines: what grows is the history. The limit of a size is what the smallest one takes.
"""

from __future__ import annotations

import psycopg

from bench.report import Row, seconds
from bench.silver_to_gold import Connection, batch, fill, load
from bench.star import BenchDaily, BenchFact, BenchTotals
from medallion import compile as compiler

SIZES = (100_000, 1_000_000, 10_000_000)
LINES_A_DAY = 2_500
_TABLES = (BenchFact, BenchTotals, BenchDaily)
_LINES = {
    "in one day": "o.ordered_at = '2020-02-01 12:00+00' ORDER BY i.order_id, i.order_line_number LIMIT 1000",
    "spread over all days": "true ORDER BY md5(i.order_id::text || i.order_line_number) LIMIT 1000",
}
_CHANGED = """
    UPDATE silver.order_items AS i SET quantity = i.quantity %% 5 + 1
    FROM (
        SELECT i.order_id, i.order_line_number
        FROM silver.order_items AS i
        JOIN silver.orders AS o ON o.order_id = i.order_id
        WHERE {}
    ) AS c
    WHERE c.order_id = i.order_id AND c.order_line_number = i.order_line_number
"""
#: Table → what it is, and the goal of a change in one day at the largest size.
_SAID = {"bench_fact": "fact", "bench_totals": "sums and counts", "bench_daily": "distinct counts"}
_GOALS = {"bench_fact": 1.5, "bench_totals": 1.5}


def run(connection_url: str, largest: int = 1_000_000, tries: int = 3) -> list[Row]:
    """Measures each size up to the largest, in tables that are emptied in between; the least of the tries counts."""
    sizes = [size for size in SIZES if size <= largest]
    taken: dict[tuple[str, str, int], tuple[float, str]] = {}
    with psycopg.connect(connection_url, autocommit=True) as connection:
        for size in sizes:
            _clear(connection)
            _begin(connection, size)
            for where, lines in _LINES.items():
                for table, found in _tried(connection, lines, tries).items():
                    taken[table, where, size] = found
            _end(connection)
        _clear(connection)
    return [_row(key, taken, sizes) for key in sorted(taken, key=lambda k: (k[1], k[0], k[2])) if key[2] != sizes[0]]


def _row(key: tuple[str, str, int], taken: dict[tuple[str, str, int], tuple[float, str]], sizes: list[int]) -> Row:
    table, where, size = key
    (limit, _), (ours, note) = taken[table, where, sizes[0]], taken[key]
    goal = _GOALS.get(table) if where == "in one day" else None
    return Row(f"growth, {_SAID[table]}: 1,000 lines {where}, {size:,}", limit, ours, ours / limit, note, goal)


def _begin(connection: Connection, size: int) -> None:
    fill(connection, size // 4, size // LINES_A_DAY)
    for table in _TABLES:
        connection.execute(compiler.create(table.target, table.contract(), "bench").forward.encode())
        load(connection, table.target.replace(".", "_"))
        connection.execute(f"VACUUM ANALYZE {table.target}".encode())
    connection.execute("CREATE INDEX ON gold.bench_fact (date_key)")


def _tried(connection: Connection, lines: str, tries: int) -> dict[str, tuple[float, str]]:
    """Table → the least time of its loads, and how the last one went."""
    found: dict[str, tuple[float, str]] = {}
    for _ in range(tries):
        with connection.transaction():
            batch(connection, "silver.order_items", _CHANGED.format(lines), {})
        for table in _TABLES:
            took = seconds(lambda name=table.target: load(connection, name.replace(".", "_")))  # type: ignore[misc]
            took = min(took, found.get(table.name, (took, ""))[0])
            found[table.name] = (took, _note(connection, table.target))
    return found


def _note(connection: Connection, target: str) -> str:
    row = connection.execute(
        "SELECT notes FROM dwh_lineage.table_lineage WHERE target_table = %s ORDER BY lineage_id DESC LIMIT 1",
        (target,),
    ).fetchone()
    return str(row[0]).rstrip(".") if row else ""


def _end(connection: Connection) -> None:
    for table in reversed(_TABLES):
        connection.execute(compiler.create(table.target, table.contract(), "bench").backward.encode())


def _clear(connection: Connection) -> None:
    """Takes the lines away that this or another measure has made, with their dimensions' members."""
    for name in ("orders", "order_items", "customers", "products"):
        connection.execute(f"TRUNCATE silver.{name}".encode())
    for name in ("gold_dim_customer", "gold_dim_product"):
        load(connection, name)
