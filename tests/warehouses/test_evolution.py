"""Whatever changes in a declaration: the warehouse then holds what it would hold had it always been so declared."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.warehouses import decisions
from tests.warehouses.conftest import connecting, copy_of
from tests.warehouses.evolution import Evolving
from tests.warehouses.shop import Shop

pytestmark = pytest.mark.django_db

RAW = """
class ShopRaw(bronze.Table):
    source = Drop
    columns = "id name score at op"
"""
LINES = """
class ShopLines(silver.Table):
    id = Integer("id", rules=[Required()])
    name = Text("name", rules=[MinLength(2)])
    score = Numeric("score", rules=[AtLeast(1)])
    twice = Generated("score * 2", of=Numeric)

    class Meta:
        source = ShopRaw
        history = Append()
"""
PEOPLE = """
class ShopPeople(silver.Table):
    id = Integer("id")
    name = Enum("lower(name)", "ada", "ben", "cleo", "x")
    score = Numeric("score", rules=[AtLeast(1)])
    at = Timestamp("at")

    class Meta:
        source = ShopRaw
        key = "id"
        history = SCD2(effective="at", deleted_when="op = 'D'")
"""
LATEST = """
class ShopLatest(silver.Table):
    id = Integer("id")
    name = Text("name")
    op = Text("op")
    at = Timestamp("at")

    class Meta:
        source = ShopRaw
        key = "id"
        history = SCD1(effective="at")
"""
GOLD = """
class ShopDim(gold.Dimension):
    query, key, surrogate = "dim.sql", "id", "person_key"


class ShopCounts(gold.Aggregate):
    query, grain = "counts.sql", "name"


class ShopView(gold.MaterializedView):
    query, key = "view.sql", "id"
"""
QUERIES = {
    "dim": "SELECT p.id, p.name FROM silver.shop_people AS p WHERE p.is_current",
    "counts": "SELECT coalesce(l.name, '?') AS name, count(*) AS n, sum(l.score) AS score "
    "FROM silver.shop_lines AS l GROUP BY 1",
    "view": "SELECT p.id, max(p.score) AS best FROM silver.shop_people AS p GROUP BY 1",
}
ALL = RAW + LINES + PEOPLE + LATEST + GOLD
FIRST: list[dict[str, str | None]] = [
    {"id": "1", "name": "Ada", "score": "1.5", "at": "2024-01-01", "op": "I", "town": "Leeds"},
    {"id": "1", "name": "Ada", "score": "7.25", "at": "2024-01-03", "op": "U", "town": "York"},
    {"id": "2", "name": "Ben", "score": "0.5", "at": "2024-01-01", "op": "I", "town": None},
    {"id": "2", "name": "Ben", "score": "3", "at": "2024-01-02", "op": "U"},
    {"id": "3", "name": "x", "score": "many", "at": "2024-01-01", "op": "I"},
    {"id": None, "name": "Cleo", "score": "2", "at": "2024-01-01", "op": "I"},
    {"id": "4", "name": "Dora", "score": "2", "at": "never", "op": "I"},
]
SECOND: list[dict[str, str | None]] = [
    {"id": "1", "name": "Ada", "score": "2", "at": "2024-01-02", "op": "U", "town": "Bath"},
    {"id": "2", "name": None, "score": None, "at": "2024-01-05", "op": "D"},
    {"id": "5", "name": "Cleo", "score": "0.75", "at": "2024-01-04", "op": "I", "town": "Hull"},
    {"id": "3", "name": "x", "score": "1", "at": "2024-01-06", "op": "U"},
]


@pytest.fixture
def evolving(shop: Shop, lab_parameters: dict[str, Any]) -> Evolving:
    """A shop with the first file loaded."""

    @contextlib.contextmanager
    def new_database() -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        with copy_of(lab_parameters, "_anew") as parameters, connecting(parameters) as connect:
            connection = connect()
            yield connection
            connection.close()

    made = Evolving(shop, new_database)
    made.shop.declare(ALL, **QUERIES)
    shop.step(ALL, **QUERIES)
    made.declarations.append((ALL, QUERIES))
    made.arrive(*FIRST)
    made.check()
    return made


def test_columns_of_silver_come_go_and_change_their_type(evolving: Evolving) -> None:
    wider = ALL.replace('at = Timestamp("at")', 'at = Timestamp("at")\n    action = Text("op", rules=[MinLength(1)])')
    evolving.step(wider, **QUERIES)
    evolving.arrive(*SECOND)
    evolving.step(wider.replace('score = Numeric("score"', 'score = Integer("score"'), **QUERIES)
    less = ALL.replace('    name = Text("name", rules=[MinLength(2)])\n', "").replace("l.name", "l.id::text")
    evolving.step(less, **{**QUERIES, "counts": QUERIES["counts"].replace("l.name", "l.id::text")})
    evolving.back()


def test_columns_of_silver_are_renamed_with_all_that_hangs_on_them(evolving: Evolving) -> None:
    renamed = (
        ALL.replace('id = Integer("id"', 'no = Integer("id", renamed_from="id"')
        .replace('name = Enum("lower(name)", "ada"', 'who = Enum("lower(name)", "ada"')
        .replace('"cleo", "x")', '"cleo", "x", renamed_from="name")')
        .replace('name = Text("name"', 'who = Text("name", renamed_from="name"')
        .replace('score = Numeric("score"', 'points = Numeric("score", renamed_from="score"')
        .replace('"score * 2"', '"points * 2"')
        .replace('at = Timestamp("at")', 'since = Timestamp("at", renamed_from="at")')
        .replace('effective="at"', 'effective="since"')
        .replace('key = "id"', 'key = "no"')
    )
    queries = {
        name: query.replace("p.id", "p.no AS id" if name == "dim" else "p.no").replace("p.name", "p.who AS name")
        .replace("l.name", "l.who").replace("p.score", "p.points").replace("l.score", "l.points")
        for name, query in QUERIES.items()
    }  # fmt: skip
    queries["view"] = queries["view"].replace("SELECT p.no", "SELECT p.no AS id")
    shop = evolving.shop
    keys = "SELECT array_agg(shop_people_sk ORDER BY shop_people_sk) FROM silver.shop_people"
    before = shop.value(keys)
    made = shop.step(renamed, **queries)
    assert [change for change in made if "silver" in change] == [
        "change silver.shop_latest", "change silver.shop_lines", "change silver.shop_people"
    ]  # fmt: skip
    assert shop.value("SELECT count(*) FROM dwh_lineage.targets WHERE needs_rebuild AND layer = 'silver'") == 0
    evolving.declarations.append((renamed, queries))
    evolving.check()
    assert shop.value(keys) == before, "nothing was written anew"
    evolving.arrive(*SECOND)
    evolving.check()
    evolving.back()
    shop.declare(renamed.replace(', renamed_from="name"', ""), **queries)
    assert shop.make() == [], "what a column once was called is said once"


def test_rules_change_and_what_they_judged_is_judged_again(evolving: Evolving) -> None:
    evolving.step(ALL.replace("AtLeast(1)", "AtLeast(0.5)"), **QUERIES)
    evolving.arrive(*SECOND)
    evolving.check()
    evolving.step(ALL.replace("AtLeast(1)", "AtLeast(2), Between(0, 5)"), **QUERIES)
    evolving.step(ALL.replace(", rules=[AtLeast(1)]", "").replace('"cleo", "x"', '"cleo"'), **QUERIES)
    evolving.back()


def test_another_key_and_another_history_make_the_table_that_they_say(evolving: Evolving) -> None:
    evolving.step(ALL.replace('key = "id"', 'key = ("id", "name")'), **QUERIES)
    evolving.arrive(*SECOND)
    evolving.check()
    evolving.step(ALL.replace("history = Append()", 'key = "id"\n        history = SCD1()'), **QUERIES)
    current = {**QUERIES, "dim": QUERIES["dim"].replace(" WHERE p.is_current", "")}
    kinds = ALL.replace("SCD2(effective", "SCD0(effective").replace("SCD1(effective", "SCD2(effective")
    evolving.step(kinds.replace("SCD0(effective", "SCD1(effective"), **current)
    evolving.step(ALL.replace('SCD2(effective="at", deleted_when="op = \'D\'")', 'SCD2(effective="at", tracked="name")')
                  .replace("history = Append()", "where = \"op <> 'U'\""), **QUERIES)  # fmt: skip
    evolving.back()


def test_columns_of_bronze_come_with_what_was_kept_and_go_and_are_renamed(evolving: Evolving) -> None:
    town = ALL.replace("score at op", "score at op town").replace(
        'at = Timestamp("at")', 'at = Timestamp("at")\n    town = Text("town")'
    )
    evolving.step(town, **QUERIES)
    assert evolving.shop.value("SELECT count(town), count(_extra) FROM bronze.shop_raw") == (2, 3)
    evolving.arrive(*SECOND)
    evolving.check()
    mapped = '{"id": "id", "name": "name", "points": "score", "at": "at", "op": "op", "place": "Town"}'
    other = (
        town.replace(
            '"id name score at op town"', f'{mapped}\n    renamed_from = {{"points": "score", "place": "town"}}'
        )
        .replace('Numeric("score"', 'Numeric("points"')
        .replace('Text("town")', 'Text("place")')
    )
    with_header = [{("Town" if k == "town" else k): v for k, v in row.items()} for row in SECOND]
    evolving.step(other.replace('"Town"', '("town", "Town")'), **QUERIES)
    evolving.arrive(*with_header)
    evolving.check()
    evolving.step(
        ALL.replace('"id name score at op"', '"id name score at op"\n    renamed_from = {"score": "points"}'), **QUERIES
    )
    evolving.back()


def test_a_query_of_gold_changes(evolving: Evolving) -> None:
    wider = {
        "dim": "SELECT p.id, upper(p.name) AS name, p.score FROM silver.shop_people AS p WHERE p.is_current",
        "counts": "SELECT l.id::text AS name, max(l.score) AS best FROM silver.shop_lines AS l GROUP BY 1",
        "view": "SELECT p.id, min(p.score) AS least, count(*) AS n FROM silver.shop_people AS p GROUP BY 1",
    }
    evolving.step(ALL, **wider)
    evolving.arrive(*SECOND)
    evolving.check()
    evolving.step(ALL.replace('"counts.sql", "name"', '"counts.sql", ("name", "n")'), **QUERIES)
    evolving.back()


def test_waivers_and_corrections_keep_their_rows_when_columns_are_renamed(evolving: Evolving) -> None:
    shop = evolving.shop
    bronze = {row[1]: row[0] for row in shop.sql.execute("SELECT _bronze_id, name || score FROM bronze.shop_raw")}
    decisions.waive(shop.sql, "silver.shop_lines", "score:at_least")
    decisions.correct(shop.sql, "silver.shop_people", bronze["xmany"], {"score": "9"}, {"score": "many"})
    for target in ("silver.shop_lines", "silver.shop_people"):
        shop.run_anew(target)
    rows = "SELECT (SELECT array_agg(score ORDER BY score) FROM silver.shop_lines), " \
        "(SELECT array_agg(score ORDER BY score) FROM silver.shop_people)"  # fmt: skip
    before = shop.value(rows)
    assert str(before[0][0]) == "0.5"
    assert str(before[1][-1]) == "9"
    shop.step(
        ALL.replace('"id name score at op"', '"id name mark at op"\n    renamed_from = {"mark": "score"}')
        .replace('score = Numeric("score"', 'points = Numeric("mark", renamed_from="score"')
        .replace('"score * 2"', '"points * 2"'),
        **{name: query.replace(".score", ".points") for name, query in QUERIES.items()},
    )  # fmt: skip
    for target in ("silver.shop_lines", "silver.shop_people"):
        shop.run_anew(target)
    assert shop.value(rows.replace("score", "points")) == before
    shop.migrate("0001")
    for target in ("silver.shop_lines", "silver.shop_people"):
        shop.run_anew(target)
    assert shop.value(rows) == before


def test_a_name_whose_old_values_are_still_there_is_refused(evolving: Evolving) -> None:
    shop = evolving.shop
    shop.step(ALL.replace("score at op", "score at op town"), **QUERIES)
    shop.step(ALL, **QUERIES)
    shop.declare(
        ALL.replace('"id name score at op"', '"id name score at town"\n    renamed_from = {"town": "op"}')
        .replace("op = ", "town = "), **QUERIES,
    )  # fmt: skip
    shop.make()
    with pytest.raises(Exception, match="its values are still there") as refused:
        shop.migrate()
    assert isinstance(refused.value.__cause__, psycopg.Error)
    assert refused.value.__cause__.sqlstate == "AS105"
    assert shop.value("SELECT count(town) FROM bronze.shop_raw_rows") == 2
