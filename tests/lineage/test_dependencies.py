"""get_upstream and get_downstream say what a plain search says, on any graph."""

from __future__ import annotations

from collections import defaultdict

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineage.models import TableDependency

pytestmark = pytest.mark.django_db

Edges = set[tuple[int, int]]
edge_sets = st.sets(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40)


@pytest.fixture(autouse=True)
def bare_warehouse(db: None) -> None:
    """Without the tables of the examples, which migrations install: these tests make their own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE dwh_lineage.targets, dwh_lineage.table_dependencies, dwh_lineage.column_lineage CASCADE"
        )


def _store(edges: Edges) -> None:
    TableDependency.objects.all().delete()
    TableDependency.objects.bulk_create(
        TableDependency(upstream_table=f"silver.t{a}", downstream_table=f"silver.t{b}", origin="declared")
        for a, b in sorted(edges)
    )


def _ask(function: str, table: str) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT level, table_name FROM dwh_lineage.{function}(in_table_name => %s)", [table])
        return [(level, name) for level, name in cursor.fetchall()]


def _search(edges: Edges, start: int, *, upstream: bool) -> list[tuple[int, str]]:
    neighbours = defaultdict(set)
    for a, b in edges:
        neighbours[b if upstream else a].add(a if upstream else b)
    seen, frontier, found, level = {start}, {start}, [], 0
    while frontier:
        frontier = {other for one in frontier for other in neighbours[one]} - seen
        seen |= frontier
        level += 1
        found += [(level, f"silver.t{other}") for other in frontier]
    return sorted(found)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edge_sets, st.integers(0, 14))
def test_both_directions_agree_with_a_plain_search(edges: Edges, start: int) -> None:
    _store(edges)
    for function, upstream in (("get_upstream", True), ("get_downstream", False)):
        assert _ask(function, f"silver.t{start}") == _search(edges, start, upstream=upstream)


def test_a_chain_is_followed_beyond_ten_levels() -> None:
    _store({(number, number + 1) for number in range(40)})
    assert _ask("get_upstream", "silver.t40")[-1] == (40, "silver.t0")
    assert _ask("get_downstream", "silver.t0")[-1] == (40, "silver.t40")


def test_each_table_comes_once_though_a_million_paths_lead_to_it() -> None:
    # Twenty layers of two tables, each joined to both of the next: 2^20 paths.
    _store({(2 * layer + a, 2 * layer + 2 + b) for layer in range(20) for a in (0, 1) for b in (0, 1)})
    assert len(_ask("get_downstream", "silver.t0")) == 40


def test_a_cycle_ends_where_it_meets_itself() -> None:
    _store({(1, 2), (2, 3), (3, 1), (3, 3)})
    assert _ask("get_upstream", "silver.t1") == [(1, "silver.t3"), (2, "silver.t2")]


def test_a_table_that_nothing_feeds_has_no_upstream() -> None:
    _store({(1, 2)})
    assert _ask("get_upstream", "silver.t1") == []
    assert _ask("get_upstream", "silver.none") == []


def test_the_dependency_view_names_the_layers_of_both_ends() -> None:
    TableDependency.objects.create(upstream_table="till files", downstream_table="bronze.raw_lines")
    TableDependency.objects.create(upstream_table="silver.lines", downstream_table="gold.days")
    # A name that only begins like a layer is no layer.
    TableDependency.objects.create(upstream_table="bronze_x.lines", downstream_table="silver.lines")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT source, target, dependency_type, source_layer, target_layer"
            " FROM dwh_lineage.v_dependency_graph ORDER BY source"
        )
        assert cursor.fetchall() == [
            ("bronze_x.lines", "silver.lines", "data", "external", "silver"),
            ("silver.lines", "gold.days", "data", "silver", "gold"),
            ("till files", "bronze.raw_lines", "data", "external", "bronze"),
        ]
