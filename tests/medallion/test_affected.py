"""Which queries are computed by keys, which in full, and what is asked for keys."""

from __future__ import annotations

import pytest

from medallion.affected import Plan, Whole, plan
from medallion.query import Query

FOLLOWED = {
    "a projection": ("SELECT o.id, lower(o.name) AS name FROM silver.orders AS o WHERE o.id > 3", "id"),
    "groups": ("SELECT o.day, sum(o.amount) AS s FROM silver.orders AS o GROUP BY 1 HAVING count(*) > 1", "day"),
    "distinct rows": ("SELECT DISTINCT o.day, o.name FROM silver.orders AS o", "day name"),
    "an expression of one table": (
        "SELECT (o.at AT TIME ZONE 'UTC')::date AS day, count(*) AS n FROM silver.orders AS o GROUP BY 1", "day",
    ),
    "a union": (
        "SELECT o.id, 1 AS part FROM silver.orders AS o UNION ALL SELECT c.id, 2 FROM silver.customers AS c", "id part",
    ),
    "a common table expression": (
        "WITH d AS (SELECT o.day, o.amount FROM silver.orders AS o) SELECT d.day, sum(d.amount) AS s FROM d GROUP BY 1",
        "day",
    ),
    "a full join by its keys": (
        "SELECT coalesce(a.id, b.id) AS id, b.name FROM silver.orders AS a FULL JOIN silver.others AS b ON b.id = a.id",
        "id",
    ),
}  # fmt: skip
IN_FULL = {
    "window function": ("SELECT o.id, rank() OVER (ORDER BY o.id) AS r FROM silver.orders AS o", "id"),
    "subquery in an expression": (
        "SELECT o.id FROM silver.orders AS o WHERE o.day = (SELECT max(x.day) FROM silver.orders AS x)", "id",
    ),
    "LIMIT": ("SELECT o.id FROM silver.orders AS o LIMIT 3", "id"),
    "DISTINCT ON": ("SELECT DISTINCT ON (o.day) o.id FROM silver.orders AS o", "id"),
    "(EXISTS": (
        "SELECT o.id FROM silver.orders AS o WHERE EXISTS (SELECT 1 FROM silver.orders AS x WHERE x.id = o.id)", "id",
    ),
    "IN": ("SELECT o.id FROM silver.orders AS o WHERE o.id IN (SELECT x.id FROM silver.orders AS x)", "id"),
    "current_timestamp": ("SELECT o.id, now() AS at FROM silver.orders AS o", "id"),
    "current_date": ("SELECT o.id FROM silver.orders AS o WHERE o.day < current_date", "id"),
    "'today'": ("SELECT o.id FROM silver.orders AS o WHERE o.day < 'today'::date", "id"),
    "my_own": ("SELECT o.id, silver.my_own(o.name) AS n FROM silver.orders AS o", "id"),
    "USING": ("SELECT o.id FROM silver.orders AS o JOIN silver.customers AS c USING (id)", "id"),
    "whose column name": ("SELECT o.id, name FROM silver.orders AS o JOIN silver.customers AS c ON c.id = o.id", "id"),
    "without GROUP BY": ("SELECT 1 AS one, count(*) AS n FROM silver.orders AS o", "one"),
    "key total": ("SELECT sum(o.amount) AS total, o.day FROM silver.orders AS o GROUP BY 2", "total"),
    "ROLLUP": ("SELECT o.day, sum(o.amount) AS s FROM silver.orders AS o GROUP BY ROLLUP (o.day)", "day"),
    "RECURSIVE": ("WITH RECURSIVE r AS (SELECT o.id FROM silver.orders AS o) SELECT r.id FROM r", "id"),
    "function in FROM": ("SELECT g.n AS id, o.name FROM silver.orders AS o, generate_series(1, 2) AS g (n)", "id"),
    "turns with the day": ("SELECT d.date_key FROM gold.dim_date AS d WHERE d.is_current_month", "date_key"),
    "narrowed": (
        "SELECT coalesce(c.name, '?') AS name, max(o.at) AS n FROM silver.orders AS o "
        "LEFT JOIN silver.customers AS c ON c.id = o.customer GROUP BY 1", "name",
    ),
    "whole row": ("SELECT o.id, to_jsonb(o) AS j FROM silver.orders AS o", "id"),
    "LATERAL": ("SELECT o.id, x.n FROM silver.orders AS o, LATERAL (SELECT 1 AS n) AS x", "id"),
    "INTERSECT": ("SELECT o.id FROM silver.orders AS o INTERSECT SELECT c.id FROM silver.customers AS c", "id"),
}  # fmt: skip


def planned(query: str, grain: str) -> Plan:
    return plan(Query(query), grain.split(), {"gold.dim_customer": "customer_key"})


@pytest.mark.parametrize("what", FOLLOWED)
def test_a_query_is_followed(what: str) -> None:
    found = planned(*FOLLOWED[what])
    assert all(found.touched)
    assert "pg_temp.touched" in found.narrowed


@pytest.mark.parametrize("what", IN_FULL)
def test_a_query_that_is_not_followed_says_why(what: str) -> None:
    with pytest.raises(Whole) as why:
        planned(*IN_FULL[what])
    assert what == "whole row" or what in str(why.value)


def test_the_row_without_a_partner_is_asked_for_too() -> None:
    found = planned(
        "SELECT o.day, coalesce(c.name, '?') AS name, count(*) AS n FROM silver.orders AS o "
        "LEFT JOIN silver.customers AS c ON c.id = o.customer GROUP BY 1, 2", "day name",
    )  # fmt: skip
    orders, customers = found.touched
    assert len(orders) == len(customers) == 2
    assert any('COALESCE("c lacking"."name"' in branch for branch in customers)


def test_a_table_that_only_adds_values_is_asked_for_its_own_changes_alone() -> None:
    found = planned(
        "SELECT o.id, c.name FROM silver.orders AS o LEFT JOIN silver.customers AS c ON c.id = o.customer", "id"
    )
    orders, customers = found.touched
    assert not any("customers" in branch for branch in orders)
    assert len(customers) == 1


def test_a_subquery_that_is_joined_by_the_key_is_narrowed_with_it() -> None:
    found = planned(
        "SELECT c.id, s.spent FROM silver.customers AS c LEFT JOIN "
        "(SELECT o.customer, sum(o.amount) AS spent FROM silver.orders AS o GROUP BY 1) AS s ON s.customer = c.id",
        "id",
    )  # fmt: skip
    assert '("o"."customer") IN (SELECT id FROM pg_temp.touched)' in found.narrowed


def test_only_standing_members_of_a_dimension_count_where_it_is_looked_up() -> None:
    found = planned(
        "SELECT o.id, c.customer_key FROM silver.orders AS o LEFT JOIN gold.dim_customer AS c ON c.id = o.customer",
        "id",
    )
    assert [delta.where for delta in found.deltas] == ["", "_retired_at IS NULL AND customer_key > 0"]


def test_a_condition_that_cannot_be_written_again_is_left_out() -> None:
    (branches,) = planned("SELECT o.id FROM silver.orders AS o WHERE to_char(o.at, 'YYYY') = '2024'", "id").touched
    assert branches == ('SELECT "o"."id" AS id FROM pg_temp.delta_1 AS o',)


def test_a_table_without_columns_that_are_read_is_computed_in_full() -> None:
    with pytest.raises(Whole, match=r"no column of silver\.others"):
        planned("SELECT o.id FROM silver.orders AS o CROSS JOIN silver.others AS x", "id")
