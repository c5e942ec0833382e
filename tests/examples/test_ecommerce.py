"""The ecommerce example says of its generated files what a second program, in plain Python, says of them."""

from __future__ import annotations

import csv
import hashlib
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from psycopg import sql

from ecommerce import generator
from ecommerce.judges import JUDGES
from ecommerce.vocabulary import FEEDS
from medallion.registry import warehouse
from tests.examples.conftest import TABLES, Files, Shop
from tests.records import broken_rules

#: SHA-256 of all files at scale 0.02. Written down, so that another version of Python, or a careless change, is seen.
BYTES = "2ef323b81fe8e063a0e2edd7aba1122661538ac044c5d3224891e9d1c3d2b608"

pytestmark = pytest.mark.django_db


def check(shop: Shop) -> None:
    """Silver, exceptions, unreadable lines and the accounting line are the truth, row by row."""
    truth = shop.files.truth
    for table in TABLES:
        assert differences(shop, table) == ([], []), table
        accounting = shop.query("SELECT dwh_etl.measure_accounting(%s)", f"silver.{table}")[0][0]
        assert accounting["gap"] == 0, (table, accounting)
        assert accounting["quarantined"] == truth.exceptions[table]
        assert accounting[f"bronze.raw_{table} rows"] == truth.bronze_rows[table]
    with (shop.files.folder / "truth" / "exceptions.csv").open(encoding="utf-8", newline="") as file:
        expected = {(row[0], row[1], int(row[2])): row[3] for row in list(csv.reader(file))[1:]}
    assert exceptions(shop) == expected


def differences(shop: Shop, table: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """(versions that are missing, versions too many) in a silver table."""
    path = shop.files.folder / "truth" / f"silver.{table}.csv"
    names = sql.SQL(", ").join(map(sql.Identifier, path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")))
    silver, expected = sql.Identifier("silver", table), sql.Identifier("pg_temp", f"truth_of_{table}")
    shop.connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(expected))
    shop.connection.execute(
        sql.SQL("CREATE TEMP TABLE {} AS SELECT {}, true AS is_current FROM {} WITH NO DATA").format(
            sql.Identifier(f"truth_of_{table}"), names, silver
        )
    )
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(expected, names)
    with shop.connection.cursor() as cursor, cursor.copy(copy) as stream:
        stream.write(path.read_bytes())
    shop.connection.execute(sql.SQL("UPDATE {} SET is_current = valid_to IS NULL").format(expected))
    minus = sql.SQL("SELECT {names}, is_current FROM {left} EXCEPT ALL SELECT {names}, is_current FROM {right}")
    return (
        shop.query(minus.format(names=names, left=expected, right=silver)),
        shop.query(minus.format(names=names, left=silver, right=expected)),
    )


def exceptions(shop: Shop) -> dict[tuple[str, str, int], str]:
    """(table, file, record number) → the broken rules."""
    return {
        (table, file.removeprefix("ecommerce/"), number): " ".join(rules)
        for table in TABLES
        for (file, number), rules in broken_rules(shop.connection, f"bronze.raw_{table}", f"silver.{table}").items()
    }


def test_day_by_day_gives_the_truth(shop: Shop) -> None:
    for day in range(generator.DAYS):
        for table in TABLES:
            shop.ingest(table, shop.files.of(table)[day])
            shop.load(table)
    check(shop)


@pytest.mark.slow
def test_the_default_scale_gives_the_truth(shop: Shop, tmp_path: Path) -> None:
    whole = Shop(shop.connection, Files(tmp_path, generator.write(tmp_path / "ecommerce")))
    assert 90_000 < whole.files.truth.rows < 110_000
    for table in TABLES:
        whole.ingest(table)
        whole.load(table)
    check(whole)


def test_all_at_once_gives_the_truth_and_a_rebuild_changes_nothing(shop: Shop) -> None:
    for table in TABLES:
        shop.ingest(table)
        shop.load(table)
    check(shop)
    for table in TABLES:
        shop.load(table, "rebuild")
    check(shop)


@pytest.mark.parametrize("seed", [1, 2])
def test_files_in_any_order_give_the_truth(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    arriving = [(table, path) for table in TABLES for path in shop.files.of(table)]
    dice.shuffle(arriving)
    for table, path in arriving:
        shop.ingest(table, path)
        if dice.random() < 0.7:
            shop.load(table)
    for table in TABLES:
        shop.load(table)
    check(shop)


def test_a_file_that_comes_twice_is_skipped_and_a_load_without_news_changes_nothing(shop: Shop) -> None:
    for _ in range(2):
        for table in TABLES:
            results = shop.ingest(table)
            shop.load(table)
    assert all(result.skipped for result in results)
    check(shop)


def test_lines_that_were_cut_off_are_kept_with_their_numbers(shop: Shop) -> None:
    for table in TABLES:
        shop.ingest(table)
    lines = shop.query(
        "SELECT b.source_file, u.reason FROM dwh_lineage.unreadable_lines AS u JOIN dwh_lineage.batches AS b "
        "USING (batch_no)"
    )
    assert Counter(file.removeprefix("ecommerce/") for file, _ in lines) == shop.files.truth.unreadable_lines
    assert all(re.fullmatch(r"It has \d cells? where the header has 10\.", reason) for _, reason in lines)


def test_a_column_that_nobody_declared_is_kept(shop: Shop) -> None:
    shop.ingest("products")
    rows = shop.query(
        "SELECT DISTINCT _extra ->> 'colour' FROM bronze.raw_products WHERE _extra IS NOT NULL ORDER BY 1"
    )
    assert rows == [("blue",), ("red",), (None,)]


def test_orphans_land_in_silver_and_can_be_counted(shop: Shop) -> None:
    for table in TABLES:
        shop.ingest(table)
        shop.load(table)
    found = {
        "orders": "SELECT count(*) FROM silver.orders AS o WHERE o.is_current "
        "AND NOT EXISTS (SELECT 1 FROM silver.customers AS c WHERE c.customer_id = o.customer_id)",
        "order_items": "SELECT count(*) FROM silver.order_items AS i WHERE i.is_current "
        "AND NOT EXISTS (SELECT 1 FROM silver.orders AS o WHERE o.order_id = i.order_id)",
    }
    assert {table: shop.query(query)[0][0] for table, query in found.items()} == shop.files.truth.orphans


def test_each_kind_of_dirt_is_in_the_files(files: Files) -> None:
    kinds = {kind for feed in FEEDS.values() for kind, _, _ in feed.dirt} | {"late", "contradiction", "cut off"}
    assert set(files.truth.planted) == kinds
    assert set(files.truth.orphans) == {"orders", "order_items"}


def test_the_truth_judges_the_columns_that_the_warehouse_declares() -> None:
    for judge in JUDGES:
        declared = warehouse().tables[f"silver.{judge.table}"].contract()["columns"]
        assert [column["name"] for column in declared] == [*(name for name, _, _ in judge.columns), "updated_at"]


def test_the_same_scale_gives_the_same_bytes(tmp_path: Path) -> None:
    def digest(folder: Path) -> str:
        generator.write(folder, 0.02)
        found = hashlib.sha256()
        for path in sorted(folder.rglob("*.*")):
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
        return found.hexdigest()

    assert digest(tmp_path / "a") == digest(tmp_path / "b") == BYTES
