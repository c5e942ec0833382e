"""The 22 questions of TPC-H as gold tables: after each batch of changes each has the rows that its query gives.

Data from `tpchgen-cli` at the scale of ASSAY_TPCH_SCALE (0.01). The batches are the specification's refresh functions,
new orders (RF1) and old ones that go (RF2), and corrections of all tables.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.embedded.places import CHECKOUT
from medallion.affected import Plan, Whole
from medallion.compile import by_keys, by_sums, create
from medallion.query import Query
from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import connecting, copy_of
from tests.warehouses.tpch import KEYS, QUESTIONS, TABLES, Question

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SCALE = os.environ.get("ASSAY_TPCH_SCALE", "0.01")
PAGE = CHECKOUT / "docs" / "explanation" / "affected-keys.md"
#: Orders that come with the first batch, and those that go with the second.
LATER, GOES = "o_orderkey % 400 = 1", "o_orderkey % 400 = 2"
#: Batches: table → statement.
BATCHES: dict[str, dict[str, str]] = {
    "new orders": {
        "orders": "INSERT INTO silver.tpch_orders SELECT * FROM later_orders",
        "lineitem": "INSERT INTO silver.tpch_lineitem SELECT * FROM later_lineitem",
    },
    "old orders go": {
        "lineitem": "DELETE FROM silver.tpch_lineitem USING silver.tpch_orders "
        f"WHERE o_orderkey = l_orderkey AND {GOES}",
        "orders": f"DELETE FROM silver.tpch_orders WHERE {GOES}",
    },
    "corrections": {
        "lineitem": "UPDATE silver.tpch_lineitem SET l_discount = 0.06, l_shipmode = 'MAIL', l_returnflag = 'R' "
        "WHERE l_orderkey % 997 = 3",
        "orders": "UPDATE silver.tpch_orders SET o_orderdate = o_orderdate + 30, o_orderpriority = '2-HIGH' "
        "WHERE o_orderkey % 991 = 3",
        "customer": "UPDATE silver.tpch_customer SET c_mktsegment = 'BUILDING', c_nationkey = (c_nationkey + 1) % 25 "
        "WHERE c_custkey % 97 = 3",
        "supplier": "UPDATE silver.tpch_supplier SET s_nationkey = (s_nationkey + 1) % 25 WHERE s_suppkey % 37 = 3",
        "part": "UPDATE silver.tpch_part SET p_type = 'PROMO BRUSHED BRASS', p_brand = 'Brand#12', p_size = 15 "
        "WHERE p_partkey % 101 = 3",
        "partsupp": "UPDATE silver.tpch_partsupp SET ps_supplycost = ps_supplycost + 1 WHERE ps_partkey % 89 = 3",
    },
    "a nation has another name": {
        "nation": "UPDATE silver.tpch_nation SET n_name = 'GERMANY' WHERE n_name IN ('FRANCE', 'CHINA')"
    },
    "nothing that a query reads": {"part": "UPDATE silver.tpch_part SET p_retailprice = 0, p_comment = ''"},
}  # fmt: skip


@pytest.fixture(scope="module")
def market(lab_parameters: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[bench.Connection]:
    """A database with the tables filled and the gold tables loaded once."""
    folder = tmp_path_factory.mktemp("tpch")
    generator = Path(sys.executable).with_name("tpchgen-cli")
    subprocess.run([generator, "csv", "-s", SCALE, f"--output-dir={folder}"], check=True, capture_output=True)
    with copy_of(lab_parameters, "_tpch") as parameters, connecting(parameters) as connect:
        connection = connect()
        for table in TABLES:
            fill(connection, table, folder / f"{table}.csv")
        for number, question in QUESTIONS.items():
            connection.execute(create(name(number), contract(question), "lab").forward.encode())
            bench.run(connection, name(number), "rebuild")
        yield connection


def fill(connection: bench.Connection, table: str, file: Path) -> None:
    """A silver table with the rows of a file; some orders are left for later."""
    target = f"silver.tpch_{table}"
    connection.execute(f"CREATE TABLE {target} ({TABLES[table]}, PRIMARY KEY ({KEYS[table]}))".encode())
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv, HEADER)".encode()) as rows:
        rows.write(file.read_bytes())
    if table == "orders":
        connection.execute(f"CREATE TABLE later_orders AS SELECT * FROM {target} WHERE {LATER}".encode())
        connection.execute(f"DELETE FROM {target} WHERE {LATER}".encode())
    if table == "lineitem":
        later = "l_orderkey IN (SELECT o_orderkey FROM later_orders)"
        connection.execute(f"CREATE TABLE later_lineitem AS SELECT * FROM {target} WHERE {later}".encode())
        connection.execute(f"DELETE FROM {target} WHERE {later}".encode())
    connection.execute(
        "INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation) "
        "VALUES (%(name)s, 'silver', 'append', 'lab', %(name)s)",
        {"name": target},
    )
    connection.execute(f"VACUUM ANALYZE {target}".encode())


def name(number: int) -> str:
    return f"gold.tpch_q{number:02}"


def contract(question: Question) -> dict[str, Any]:
    columns = [{"name": column} for column in Query(question.query).output_names()]
    return {"layer": "gold", "kind": "aggregate", "grain": question.grain.split(), "columns": columns,
            "query": question.query}  # fmt: skip


@pytest.mark.parametrize("batch", BATCHES)
def test_each_table_has_the_rows_of_its_query_after(batch: str, market: bench.Connection) -> None:
    for table, statement in BATCHES[batch].items():
        target = f"silver.tpch_{table}"
        with bench.repeatable_read(market):
            market.execute("SELECT dwh_lineage.open_batch(%s, 'load')", (target,))
            rows = market.execute(statement.encode()).rowcount
            market.execute(
                "SELECT dwh_lineage.close_batch(max(batch_no), NULL, 0, %s) FROM dwh_lineage.batches WHERE target = %s",
                (rows, target),
            )
    for number, question in QUESTIONS.items():
        bench.run(market, name(number))
        columns = ", ".join(Query(question.query).output_names())
        stands = f"SELECT {columns} FROM {name(number)}"
        for one, other in ((stands, question.query), (question.query, stands)):
            different = market.execute(f"SELECT * FROM (({one}) EXCEPT ALL ({other})) AS d".encode()).fetchall()
            assert different == [], f"question {number}"


def test_the_page_says_which_are_incremental_and_why_not() -> None:
    written = [f"| {number} | {how(question)} |" for number, question in QUESTIONS.items()]
    assert "\n".join(written) in PAGE.read_text(encoding="utf-8")


def how(question: Question) -> str:
    """How a question's table is loaded, as the page says it."""
    asked = {**contract(question), "name": "asked"}
    found = by_keys.of(asked)
    if isinstance(found, Whole):
        return f"in full: {found}"
    assert isinstance(found, Plan)
    return "by arithmetic" if by_sums.of(asked) else "by keys"
