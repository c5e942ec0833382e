"""A table whose events often come late finds the rows of their keys by an index. (That it then holds the same as any
other: silver.states and silver.latest of the laboratory, in test_histories.)"""

from __future__ import annotations

import pytest

from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

RAW = """
class ShopRaw(bronze.Table):
    source = Drop
    columns = "id name since"
"""
PEOPLE = (
    RAW
    + """
class People(silver.Table):
    id = Integer("id")
    name = Text("name")
    since = Timestamp("since")

    class Meta:
        source = ShopRaw
        key = "id"
        history = SCD2(effective="since"{})
"""
)


def indexes(shop: Shop) -> set[str]:
    found = shop.sql.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'people\\_late%'")
    return {name for (name,) in found}


def rows_read(shop: Shop) -> int:
    """How many rows of bronze have been read by scans of all of them."""
    shop.sql.execute("SELECT pg_stat_force_next_flush()")
    reads = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname ~ '^shop_raw_rows'"
    return int(shop.value(reads))


def test_the_rows_of_a_late_key_are_found_without_reading_the_others(shop: Shop) -> None:
    shop.step(PEOPLE.format(", often_late=True"))
    assert indexes(shop) == {"people_late_key", "people_late_row"}
    shop.sql.execute(
        "INSERT INTO bronze.shop_raw (id, name, since) "
        "SELECT n::text, 'first', '2026-01-10' FROM generate_series(1, 20000) AS n"
    )
    shop.run("silver.people")
    shop.ingest({"id": " 007", "name": "earlier", "since": "2026-01-05"})
    shop.sql.execute("ANALYZE bronze.shop_raw_rows")
    before = rows_read(shop)
    shop.run("silver.people")
    history = "SELECT name, valid_from::date::text FROM silver.people WHERE id = 7 ORDER BY valid_from"
    assert shop.sql.execute(history).fetchall() == [("earlier", "2026-01-05"), ("first", "2026-01-10")]
    assert rows_read(shop) - before < 1_000


def test_the_index_comes_and_goes_with_the_declaration_and_nothing_is_loaded_again(shop: Shop) -> None:
    shop.step(PEOPLE.format(""))
    assert indexes(shop) == set()
    for said, there in ((", often_late=True", {"people_late_key", "people_late_row"}), ("", set())):
        shop.step(PEOPLE.format(said))
        assert indexes(shop) == there
        assert shop.value("SELECT needs_rebuild FROM dwh_lineage.targets WHERE target = 'silver.people'") is False
    shop.step(PEOPLE.format(", often_late=True"))
    shop.step(PEOPLE.format(", often_late=True").replace('Integer("id")', 'Integer("name")'))
    definition = "SELECT indexdef FROM pg_indexes WHERE indexname = 'people_late_key'"
    assert "index_bigint(NULLIF(btrim(name)" in shop.value(definition)
    shop.migrate("zero")
    assert indexes(shop) == set()
