"""What makemigrations writes for a user's warehouse, and what migrate does with it, forward and backward."""

from __future__ import annotations

import itertools
from decimal import Decimal

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from medallion.compile import silver
from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

_numbers = itertools.count(1)

RAW = """
class ShopRaw(bronze.Table):
    source = Drop
    columns = "id name score at"
"""
LINES = """
class ShopLines(silver.Table):
    id = Integer("id", rules=[Required()])
    name = Text("name")

    class Meta:
        source = ShopRaw
"""
PEOPLE = """
class ShopPeople(silver.Table):
    id = Integer("id")
    name = Text("name")
    at = Timestamp("at")

    class Meta:
        source = ShopRaw
        key = "id"
        history = SCD2(effective="at")
"""
COUNTS = """
class ShopCounts(gold.Aggregate):
    query, grain = "counts.sql", "name"
"""
COUNTS_SQL = "SELECT coalesce(l.name, '?') AS name, count(*) AS n FROM silver.shop_lines AS l GROUP BY 1"
DIM = """
class ShopDim(gold.Dimension):
    query, key, surrogate = "dim.sql", "id", "person_key"
"""
DIM_SQL = "SELECT p.id, p.name FROM silver.shop_people AS p WHERE p.is_current"
ALL = RAW + LINES + PEOPLE + COUNTS + DIM
QUERIES = {"counts": COUNTS_SQL, "dim": DIM_SQL}
TARGETS = ["silver.shop_lines", "silver.shop_people", "gold.shop_counts", "gold.shop_dim"]
ROWS = (
    {"id": "1", "name": "A", "score": "1.5", "at": "2024-01-01"},
    {"id": "1", "name": "A", "score": "2.5", "at": "2024-01-02"},
    {"id": "2", "name": "B", "score": "x", "at": "2024-01-01"},
)


def test_tables_are_created_with_inputs_first_and_go_away_again(shop: Shop) -> None:
    assert shop.step(ALL, **QUERIES) == [f"create {name}" for name in ["bronze.shop_raw", *TARGETS]]
    assert shop.make() == []
    shop.forth_and_back()
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_counts") == [("A", 2), ("B", 1)]
    assert len(shop.rows("silver.shop_people")) == 2


def test_dropping_bronze_with_rows_is_refused_unless_it_is_meant(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    with pytest.raises(Exception, match="lose them for ever") as refused:
        shop.migrate("zero")
    assert isinstance(refused.value.__cause__, psycopg.Error)
    assert refused.value.__cause__.sqlstate == "AS031"
    assert shop.value("SELECT count(*) FROM bronze.shop_raw") == 3
    connections["default"].close()
    with connections["default"].cursor() as cursor:
        cursor.execute("SET assay.drop_rows = on")
        shop.migrate("zero")
    assert shop.value("SELECT count(*) FROM dwh_lineage.targets WHERE target LIKE '%%.shop\\_%%'") == 0
    assert shop.value("SELECT to_regclass('bronze.shop_raw_rows')") is None


def test_a_new_bronze_column_is_empty_for_old_rows_and_stays_when_it_is_declared_no_more(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    assert "change bronze.shop_raw" in shop.step(ALL.replace("score at", "score at extra"), **QUERIES)
    shop.ingest({**ROWS[0], "extra": "new"})
    assert shop.value("SELECT count(extra), count(*) FROM bronze.shop_raw") == (1, 4)
    shop.forth_and_back()
    assert shop.value("SELECT count(extra), count(*) FROM bronze.shop_raw") == (1, 4)
    shop.run(*TARGETS)
    assert shop.value("SELECT count(*) FROM silver.shop_lines") == 4


def test_a_changed_rule_moves_rows_between_table_and_exceptions_at_the_next_run(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    strict = ALL.replace('Text("name")', 'Text("name", rules=[OneOf("A")])', 1)
    assert shop.step(strict, **QUERIES) == ["change silver.shop_lines"]
    assert shop.value("SELECT needs_rebuild FROM dwh_lineage.targets WHERE target = 'silver.shop_lines'")
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_counts") == [("A", 2)]
    state = "SELECT state, issues FROM dwh_lineage.quality_exceptions WHERE target_table = 'silver.shop_lines'"
    assert shop.value(state) == ("open", ["name is none of A"])
    for _turn in range(2):
        shop.migrate("0001")
        shop.run(*TARGETS)
        assert shop.value(state)[0] == "landed"
        assert shop.rows("gold.shop_counts") == [("A", 2), ("B", 1)]
        shop.migrate()
        shop.run(*TARGETS)
        assert shop.value(state)[0] == "open"
        assert shop.rows("gold.shop_counts") == [("A", 2)]
    assert shop.value("SELECT dwh_etl.measure_accounting('silver.shop_lines')")["gap"] == 0


def test_a_new_silver_column_is_filled_for_old_rows_by_the_next_run(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    more = ALL.replace('name = Text("name")', 'name = Text("name")\n    score = Numeric("score")')
    assert shop.step(more, **QUERIES) == ["change silver.shop_lines", "change silver.shop_people"]
    shop.run(*TARGETS)
    assert [row[2] for row in shop.rows("silver.shop_lines", "id, score")] == [Decimal("1.5"), Decimal("2.5")]
    assert shop.value("SELECT count(*) FROM silver.shop_people WHERE id = 1") == 2, "the new column has a history"
    shop.migrate("0001")
    shop.run(*TARGETS)
    assert shop.columns("silver.shop_lines") == ["id", "name"]
    assert shop.value("SELECT count(*) FROM silver.shop_people WHERE id = 1") == 1
    shop.migrate()
    shop.run(*TARGETS)
    assert shop.value("SELECT count(*) FROM silver.shop_people WHERE id = 1") == 2


def test_a_column_that_is_declared_no_more_goes_and_comes_back_filled(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    less = RAW + LINES.replace('    name = Text("name")\n', "") + PEOPLE + DIM
    made = shop.step(less, **QUERIES)
    assert made == ["remove gold.shop_counts", "change silver.shop_lines"]
    shop.run("silver.shop_lines")
    assert shop.columns("silver.shop_lines") == ["id"]
    shop.migrate("0001")
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_counts") == [("A", 2), ("B", 1)]


def test_removed_tables_go_with_their_metadata_consumers_first(shop: Shop) -> None:
    chained = ALL + 'class ABefore(gold.Aggregate):\n    query, grain = "before.sql", "name"\n'
    before = {"before": "SELECT c.name, max(c.n) AS n FROM gold.shop_counts AS c GROUP BY 1"}
    shop.step(chained, **QUERIES, **before)
    shop.ingest(*ROWS, {"id": "x", "name": "bad", "at": "never"})
    shop.run(*TARGETS, "gold.a_before")
    made = shop.step(RAW + PEOPLE + DIM, **QUERIES)
    assert made == ["remove gold.a_before", "remove gold.shop_counts", "remove silver.shop_lines"]
    for table in ("targets WHERE target", "quality_exceptions WHERE target_table", "batches WHERE target",
                  "pendings WHERE consumer", "column_lineage WHERE target_table"):  # fmt: skip
        assert shop.value(f"SELECT count(*) FROM dwh_lineage.{table} = 'silver.shop_lines'") == 0, table
    shop.migrate("0001")
    shop.run(*TARGETS, "gold.a_before")
    assert shop.rows("gold.a_before") == [("A", 2), ("B", 1)]
    exceptions = "SELECT count(*) FROM dwh_lineage.quality_exceptions WHERE target_table = 'silver.shop_lines'"
    assert shop.value(exceptions) == 1


def test_a_table_can_go_in_the_migration_in_which_its_reader_reads_another(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    people = "SELECT coalesce(p.name, '?') AS name, count(*) AS n FROM silver.shop_people AS p GROUP BY 1"
    other = {**QUERIES, "counts": people}
    assert shop.step(RAW + PEOPLE + COUNTS + DIM, **other) == ["change gold.shop_counts", "remove silver.shop_lines"]
    shop.run("gold.shop_counts")
    assert shop.rows("gold.shop_counts") == [("A", 1), ("B", 1)]
    shop.migrate("0001")
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_counts") == [("A", 2), ("B", 1)]


def test_a_changed_query_keeps_surrogate_keys_or_makes_the_table_anew(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    keys = "SELECT array_agg(person_key ORDER BY id) FROM gold.shop_dim WHERE person_key > 0"
    before = shop.value(keys)
    lower = {**QUERIES, "dim": DIM_SQL.replace("p.name", "lower(p.name) AS name")}
    assert shop.step(ALL, **lower) == ["change gold.shop_dim"]
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_dim") == [(1, "a"), (2, "b")]
    assert shop.value(keys) == before
    wider = {**QUERIES, "dim": DIM_SQL.replace("p.name", "p.name, p.valid_from AS since")}
    shop.step(ALL, **wider)
    shop.run(*TARGETS)
    assert shop.columns("gold.shop_dim") == ["person_key", "id", "name", "since"]
    assert shop.value(keys) == before
    assert len(shop.rows("gold.shop_dim")) == 2
    shop.migrate("0001")
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_dim") == [(1, "A"), (2, "B")]


def test_a_changed_query_of_another_type_is_not_rounded_to_the_old_one(shop: Shop) -> None:
    shop.step(ALL, **QUERIES)
    shop.ingest(*ROWS)
    shop.run(*TARGETS)
    average = {**QUERIES, "counts": COUNTS_SQL.replace("count(*)", "avg(l.id + 0.25)")}
    shop.step(ALL, **average)
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_counts") == [("A", Decimal("1.25")), ("B", Decimal("2.25"))]
    shop.migrate("0001")
    shop.run(*TARGETS)
    assert shop.rows("gold.shop_counts") == [("A", 2), ("B", 1)]


def test_a_source_of_another_type_is_not_rounded_by_a_query_that_did_not_change(shop: Shop) -> None:
    total = {"counts": "SELECT l.name, sum(l.score) AS score FROM silver.shop_lines AS l GROUP BY 1"}
    whole = RAW + LINES.replace('Text("name")', 'Text("name")\n    score = Integer("score")') + COUNTS
    shop.step(whole, **total)
    shop.ingest(*ROWS)
    shop.run("silver.shop_lines", "gold.shop_counts")
    assert shop.rows("gold.shop_counts") == []
    assert shop.step(whole.replace('Integer("score")', 'Numeric("score", rules=[Required()])'), **total) == [
        "change silver.shop_lines"
    ]
    shop.run("silver.shop_lines", "gold.shop_counts")
    assert shop.rows("gold.shop_counts") == [("A", Decimal("4.0"))]


def test_contracts_are_compared_and_never_sql(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade of Assay that generates other SQL is no change of the user's."""
    shop.step(ALL, **QUERIES)
    monkeypatch.setattr(silver, "routines", lambda contract: "SELECT 'another generation';")
    assert shop.make() == []
    call_command("makemigrations", shop.label, check_changes=True, verbosity=0)  # exits where there is something to do
    assert shop.step(ALL.replace("class ShopLines", "# a remark\nclass ShopLines"), **QUERIES) == []
    assert shop.migrations() == ["0001_initial"]


FACT = """
class ShopDays(gold.Calendar):
    first, last = "2024-01-01", "2024-12-31"
    country = "US"


class ShopFact(gold.Fact):
    query, grain = "fact.sql", "id"
    dimensions = {"person_key": ShopDim, "date_key": ShopDays}


class ShopView(gold.MaterializedView):
    query, key = "view.sql", "id"
"""
FACT_SQL = """
SELECT p.id, d.person_key, y.date_key, p.name
FROM silver.shop_people AS p
LEFT JOIN gold.shop_dim AS d ON d.id = p.id
LEFT JOIN gold.shop_days AS y ON y.full_date = (p.valid_from AT TIME ZONE 'UTC')::date
WHERE p.is_current
"""
VIEW_SQL = "SELECT f.id, f.name, count(*) OVER () AS n FROM gold.shop_fact AS f"
STAR = {**QUERIES, "fact": FACT_SQL, "view": VIEW_SQL}
STAR_TARGETS = [*TARGETS, "gold.shop_fact", "gold.shop_view"]


def test_a_changed_star_keeps_its_views_its_keys_and_its_foreign_keys(shop: Shop) -> None:
    shop.step(ALL + FACT, **STAR)
    shop.ingest(*ROWS)
    shop.run(*STAR_TARGETS)
    keys = "SELECT array_agg((id, person_key, date_key)::text ORDER BY id) FROM gold.shop_fact"
    before = shop.value(keys)
    wider = FACT.replace('"id"', '"id"\n    label = Generated("name || id")\n    required = "name"', 1)
    query = FACT_SQL.replace("p.name", "p.name, length(p.name) AS long")
    assert shop.step(ALL + wider, **{**STAR, "fact": query}) == ["change gold.shop_fact"]
    shop.run(*STAR_TARGETS)
    assert shop.value(keys) == before
    assert shop.value("SELECT array_agg(label || long ORDER BY id) FROM gold.shop_fact") == ["A11", "B21"]
    shop.forth_and_back()
    shop.run(*STAR_TARGETS)
    assert shop.value(keys) == before
    assert shop.rows("gold.shop_view") == [(1, "A", 2), (2, "B", 2)]
    # A dimension that is made anew takes its foreign key along; the next load of the fact brings it back.
    keyed = (ALL + wider).replace('"dim.sql", "id"', '"dim.sql", ("id", "name")')
    assert shop.step(keyed, **{**STAR, "fact": query}) == ["change gold.shop_dim"]
    foreign = "SELECT count(*) FROM pg_constraint WHERE conrelid = 'gold.shop_fact'::regclass AND contype = 'f'"
    assert shop.value(foreign) == 1
    shop.run(*STAR_TARGETS)
    assert shop.value(foreign) == 2
    # Its new keys are none of the old ones, which the fact had until it was loaded.
    assert shop.value("SELECT min(person_key) FROM gold.shop_dim WHERE person_key > 0") > 2
    shop.step(RAW + LINES + PEOPLE)
    assert shop.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'gold'::regnamespace "
                      "AND relname LIKE 'shop%%' AND relkind IN ('r', 'm')") == 0  # fmt: skip


def test_a_source_of_another_type_changes_a_table_that_a_view_reads(shop: Shop) -> None:
    total = FACT.replace('"id"', '"id"\n    doubled = Generated("id * 2", of=Numeric)', 1)
    shop.step(ALL + total, **STAR)
    shop.ingest(*ROWS)
    shop.run(*STAR_TARGETS)
    shop.step(ALL + total, **{**STAR, "fact": FACT_SQL.replace("p.id,", "p.id::bigint + 0 AS id,")})
    shop.run(*STAR_TARGETS)
    assert shop.rows("gold.shop_view") == [(1, "A", 2), (2, "B", 2)]
    assert shop.value("SELECT array_agg(doubled ORDER BY id) FROM gold.shop_fact") == [2, 4]
    assert shop.value("SELECT pg_typeof(id)::text FROM gold.shop_view LIMIT 1") == "bigint"
