"""The same at scale: a million rows of bronze, and the history made of them. ASSAY_ROWS: another number of rows."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.warehouses import bench_database as bench
from tests.warehouses.conftest import connecting, copy_of
from tests.warehouses.evolution import _rows, declared, install, run
from tests.warehouses.shop import Shop
from tests.warehouses.test_evolution import PEOPLE, RAW

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROWS = int(os.environ.get("ASSAY_ROWS", 1_000_000))
COUNTS = """
class ShopCounts(gold.Aggregate):
    query, grain = "counts.sql", "name"
"""
QUERY = "SELECT p.name, count(*) AS n, sum(p.score) AS score FROM silver.shop_people AS p WHERE p.is_current GROUP BY 1"
ALL = RAW + PEOPLE + COUNTS
TOWN = 'at = Timestamp("at")\n    town = Text("{}")'
SCORE = '    score = Numeric("score", rules=[AtLeast(1)])\n'


def changed(query: str = QUERY, **replaced: str) -> tuple[str, str]:
    """The declaration with each `old` of PARTS replaced, and the query of gold."""
    text = ALL
    for part, new in replaced.items():
        text = text.replace(PARTS[part], new)
    return text, query


PARTS = {
    "at": 'at = Timestamp("at")',
    "columns": "score at op",
    "score": SCORE,
    "type": 'Numeric("score"',
    "rule": "AtLeast(1)",
    "key": 'key = "id"',
    "id": 'Integer("id")',
    "history": 'SCD2(effective="at"',
}
CHANGES = {
    "a column comes": changed(at=TOWN.format("_extra ->> 'town'")),
    "a bronze column comes": changed(columns="score at op town", at=TOWN.format("town")),
    "a column goes": changed(QUERY.replace(", sum(p.score) AS score", ""), score=""),
    "a column is renamed": changed(
        QUERY.replace("p.score", "p.points"),
        score=SCORE.replace("score =", "points =").replace(", ", ', renamed_from="score", '),
    ),
    "a column has another type": changed(type='Integer("score"'),
    "a rule lets more pass": changed(rule="AtLeast(0.5)"),
    "a rule lets less pass": changed(rule="AtLeast(3)"),
    "another key": changed(key='key = ("id", "op")', id='Integer("id")\n    op = Text("op")'),
    "another history": changed(QUERY.replace("WHERE p.is_current ", ""), history='SCD1(effective="at"'),
    "another query": changed(QUERY.replace("count(*)", "count(DISTINCT p.id)")),
}


def fill(connection: bench.Connection, town: str = "_extra") -> None:
    """Four events of each key, one in fifty of them bad, one in ten late, in two batches. town: where a town goes."""
    place = "jsonb_build_object('town', 'T' || n %% 3)" if town == "_extra" else "'T' || n %% 3"
    for first, last in ((1, ROWS * 9 // 10), (ROWS * 9 // 10 + 1, ROWS)):
        connection.execute(
            f"INSERT INTO bronze.shop_raw (id, name, score, at, op, {town}) SELECT "
            "(n %% %(keys)s::int)::text, (ARRAY['Ada', 'Ben', 'Cleo'])[1 + n / %(keys)s::int %% 3], "
            "CASE WHEN n %% 50 = 0 THEN '0.75' WHEN n %% 7 = 0 THEN '4.5' ELSE (n %% 9 + 1)::text END, "
            "(date '2024-01-01' + (CASE WHEN n %% 10 = 0 THEN n / 7 ELSE n END / %(keys)s::int)::int)::text, "
            "CASE WHEN n %% 97 = 0 THEN 'D' ELSE 'U' END, "
            f"CASE WHEN n %% 5 = 0 THEN {place} END "
            "FROM generate_series(%(first)s::int, %(last)s::int) AS n",
            {"keys": ROWS // 4, "first": first, "last": last},
        )


def digest(connection: bench.Connection, label: str) -> dict[str, Any]:
    """How many rows, and a sum of their hashes, of each table and of the exceptions; the accounting line."""
    found: dict[str, Any] = {}
    exceptions = "SELECT target_table, bronze_id, issues FROM dwh_lineage.quality_exceptions WHERE state = 'open'"
    queries = {target: _rows(connection, target) for target in declared(label) if not target.startswith("bronze.")}
    for name, query in {**queries, "exceptions": exceptions.replace("bronze_id", "source_id")}.items():
        summed = f"SELECT count(*), sum(hashtextextended(q::text, 0)) FROM ({query}) AS q"
        found[name] = connection.execute(summed.encode()).fetchone()
    found["line"] = connection.execute("SELECT dwh_etl.measure_accounting('silver.shop_people')").fetchone()
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_equals_a_new_warehouse(shop: Shop, lab_parameters: dict[str, Any], change: str) -> None:
    shop.sql.prepare_threshold = None
    shop.step(ALL, counts=QUERY)
    fill(shop.sql)
    run(shop.sql, shop.label)
    shop.sql.execute("ANALYZE silver.shop_people")
    text, query = CHANGES[change]
    assert shop.step(text, counts=query)
    run(shop.sql, shop.label)
    with copy_of(lab_parameters, "_anew") as parameters, connecting(parameters) as connect:
        anew = connect(prepare_threshold=None)
        install(anew, shop.label)
        fill(anew, "town" if "score at op town" in text else "_extra")
        run(anew, shop.label)
        anew.execute("ANALYZE silver.shop_people")
        assert digest(shop.sql, shop.label) == digest(anew, shop.label)
        anew.close()
