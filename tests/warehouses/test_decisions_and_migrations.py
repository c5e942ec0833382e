"""What becomes of people's decisions when the declaration that they were about changes."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connections

from tests.warehouses import decisions
from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

RAW = """
class ShopRaw(bronze.Table):
    source = Drop
    columns = "id name"


class ShopOther(bronze.Table):
    source = Drop
    columns = "id name"
"""
LINES = """
class ShopLines(silver.Table):
    id = Integer("id")
    name = Text("name", rules=[OneOf("A", "B")])

    class Meta:
        source = ShopRaw
"""
TABLE = "silver.shop_lines"


@pytest.fixture
def decided(shop: Shop) -> Shop:
    """A shop whose only bad row has a waiver."""
    shop.step(RAW + LINES)
    shop.ingest({"id": "1", "name": "A"}, {"id": "2", "name": "C"})
    shop.run(TABLE)
    decisions.waive(shop.sql, TABLE, "name:one_of")
    shop.run_anew(TABLE)
    assert shop.rows(TABLE) == [(1, "A"), (2, "C")]
    return shop


def test_a_waiver_ends_with_the_version_of_its_rule_and_comes_back_with_it(decided: Shop) -> None:
    decided.step(RAW + LINES.replace('"A", "B"', '"A", "D"'))
    decided.run(TABLE)
    assert decided.rows(TABLE) == [(1, "A")]
    assert decisions.outcomes(decided.sql, TABLE) == {"current": 1, "quarantined": 1, "gap": 0}
    decided.migrate("0001")
    decided.run(TABLE)
    assert decided.rows(TABLE) == [(1, "A"), (2, "C")]


def test_a_rule_that_says_the_same_in_other_words_is_the_same_rule(decided: Shop) -> None:
    decided.step(RAW + LINES.replace('"A", "B"', '"A", "B", message="what a name"'))
    decided.run(TABLE)
    assert decided.rows(TABLE) == [(1, "A"), (2, "C")]


def test_a_waiver_never_moves_to_another_rule_that_takes_its_name(decided: Shop) -> None:
    decided.step(RAW + LINES.replace("rules=[", 'rules=[OneOf("A", "B", "E"), '))
    decided.run(TABLE)
    assert decided.rows(TABLE) == [(1, "A")]


def test_a_table_with_decisions_keeps_its_source_unless_that_is_meant(decided: Shop) -> None:
    decided.ingest({"id": "3", "name": "B"}, table="bronze.shop_other")
    decided.declare(RAW + LINES.replace("source = ShopRaw", "source = ShopOther"))
    decided.make()
    with pytest.raises(Exception, match=f"decided 1 times about rows of {TABLE}") as refused:
        decided.migrate()
    assert isinstance(refused.value.__cause__, psycopg.Error)
    assert refused.value.__cause__.sqlstate == "AS065"
    connections["default"].close()
    with connections["default"].cursor() as cursor:
        cursor.execute("SET assay.drop_rows = on")
        decided.migrate()
    decided.run(TABLE)
    assert decided.rows(TABLE) == [(3, "B")]
    assert decided.value("SELECT count(*) FROM dwh_lineage.waivers") == 0


def test_a_table_with_corrections_goes_only_where_that_is_meant(decided: Shop) -> None:
    bronze_id = decided.value("SELECT max(_bronze_id) FROM bronze.shop_raw")
    decisions.correct(decided.sql, TABLE, bronze_id, {"name": "B"})
    decided.declare(RAW)
    decided.make()
    with pytest.raises(Exception, match="decided 2 times"):
        decided.migrate()
    connections["default"].close()
    with connections["default"].cursor() as cursor:
        cursor.execute("SET assay.drop_rows = on")
        decided.migrate()
    assert decided.value("SELECT count(*) FROM dwh_lineage.corrections") == 0
    assert decided.value("SELECT to_regclass('silver.shop_lines')") is None


def test_exceptions_of_another_source_do_not_stay(shop: Shop) -> None:
    shop.step(RAW + LINES)
    shop.ingest({"id": "1", "name": "C"})
    shop.run(TABLE)
    shop.ingest({"id": "1", "name": "A"}, table="bronze.shop_other")
    shop.step(RAW + LINES.replace("source = ShopRaw", "source = ShopOther"))
    shop.run(TABLE)
    assert shop.rows(TABLE) == [(1, "A")]
    assert decisions.outcomes(shop.sql, TABLE) == {"current": 1, "gap": 0}
    assert shop.value("SELECT count(*) FROM dwh_lineage.quality_exceptions") == 0
    shop.migrate("0001")
    shop.run(TABLE)
    assert decisions.outcomes(shop.sql, TABLE) == {"quarantined": 1, "gap": 0}
