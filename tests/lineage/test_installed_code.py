"""What our own migrations install is understood, or named as not understood with the reason; it is read once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from lineage.code.drift import find_drift
from lineage.code.record import record_lineage

pytestmark = pytest.mark.django_db

#: Why a statement of ours may be beyond the parser.
REASONS = (
    "dynamic SQL: its text is made when it runs",
    re.compile(r"the temp table \w+ is made by the caller, and followed there"),
    # Transition tables: a trigger's function that serves many tables does not say whose rows it gets.
    re.compile(r"the columns of (new|old)_rows are not known"),
)


@pytest.fixture
def cursor() -> Iterator[Any]:
    with connection.cursor() as cursor:
        yield cursor


def rows(cursor: Any, query: str, *values: Any) -> list[Any]:
    cursor.execute(query, values)
    return list(cursor.fetchall())


def edges(cursor: Any, target: str) -> set[str]:
    """`column = table.column` of a table's parsed values, `column < table.column role` of what decides on them."""
    found = rows(
        cursor,
        "SELECT target_column, kind, source_table, source_column, role FROM dwh_lineage.column_lineage"
        " WHERE origin = 'parsed' AND target_table = %s",
        target,
    )
    return {f"{c} = {t}.{s}" if kind == "DIRECT" else f"{c} < {t}.{s} {role}" for c, kind, t, s, role in found}


def test_every_routine_and_view_that_our_migrations_install_was_read(cursor: Any) -> None:
    (installed,) = rows(
        cursor,
        "SELECT count(*) FROM pg_proc AS p"
        " WHERE p.pronamespace IN ('dwh_etl'::regnamespace, 'dwh_lineage'::regnamespace)"
        " AND p.prolang IN (SELECT l.oid FROM pg_language AS l WHERE l.lanname IN ('sql', 'plpgsql'))",
    )[0]
    read = rows(cursor, "SELECT count(*) FROM dwh_lineage.code_versions WHERE is_current AND kind !~ 'view'")[0][0]
    assert read >= installed > 200
    assert rows(cursor, "SELECT name FROM dwh_lineage.code_versions WHERE is_current AND statements IS NULL") == []


def test_every_statement_of_ours_is_understood_or_named_with_the_reason(cursor: Any) -> None:
    found = rows(cursor, "SELECT name, statements, understood, gaps FROM dwh_lineage.code_versions WHERE is_current")
    for name, statements, understood, gaps in found:
        assert understood == statements - len({gap["statement"] for gap in json.loads(gaps)}), name
        for gap in json.loads(gaps):
            assert gap["statement"], name
            assert any(re.fullmatch(reason, gap["reason"]) for reason in REASONS), (name, gap)
    assert sum(row[2] for row in found) / sum(row[1] for row in found) > 0.96


def test_generated_loads_are_understood_wholly(cursor: Any) -> None:
    assert rows(
        cursor,
        "SELECT v.name FROM dwh_lineage.code_versions AS v JOIN dwh_lineage.targets AS t"
        " ON v.name IN (t.load_routine, t.rebuild_routine, t.replay_routine, t.outcomes_routine)"
        " WHERE v.understood < v.statements",
    ) == []  # fmt: skip


def test_a_silver_load_is_one_edge_from_bronze_whatever_temp_tables_and_calls_are_between(cursor: Any) -> None:
    found = edges(cursor, "silver.customers")
    assert {
        "email = bronze.raw_customers.email",
        "email_domain = bronze.raw_customers.email",
        "customer_id = bronze.raw_customers.id",
        "valid_from = bronze.raw_customers.updated_date",
        "* < bronze.raw_customers.op filter",
    } <= found
    assert not {edge for edge in found if "pg_temp" in edge or "in_batch_id" in edge or "dwh_lineage" in edge}
    values = {edge for edge in found if re.match("email = ", edge)}
    assert {edge for edge in values if "dwh_staging" not in edge} == {"email = bronze.raw_customers.email"}


def test_a_gold_load_has_the_edges_of_its_query_and_those_of_generated_columns(cursor: Any) -> None:
    found = edges(cursor, "gold.fact_sales")
    assert {
        "quantity = silver.order_items.quantity",
        "customer_key = gold.dim_customer.customer_key",
        "line_total = silver.order_items.unit_price",
        "line_total = silver.order_items.tax",
        "* < silver.orders.status filter",
        "* < gold.dim_customer.valid_from join",
    } <= found


def test_a_view_has_the_edges_of_its_query(cursor: Any) -> None:
    found = edges(cursor, "gold.mv_customer_lifetime_value")
    assert {
        "lifetime_value = gold.agg_customer_ltv.lifetime_value",
        "customer_tenure_days = gold.agg_customer_ltv.first_order_date",
        "* < gold.dim_customer.is_current filter",
    } <= found


def test_a_text_is_read_once(cursor: Any) -> None:
    assert record_lineage(cursor).parsed == []


def test_a_text_is_the_same_text_for_a_session_with_another_search_path(cursor: Any) -> None:
    cursor.execute("SET LOCAL search_path = gold, silver, dwh_lineage")
    assert record_lineage(cursor).parsed == []
    assert rows(cursor, "SHOW search_path") == [("gold, silver, dwh_lineage",)]


def test_what_depends_on_a_changed_text_is_read_again_and_the_old_one_stays_a_version(cursor: Any) -> None:
    (definition,) = rows(cursor, "SELECT pg_get_functiondef('dwh_etl.load_dim_customer'::regproc)")[0]
    before = rows(cursor, "SELECT dwh_lineage.sql_hash('dwh_etl.load_dim_customer')")[0][0]
    cursor.execute(definition.replace("CALL dwh_etl.load_gold", "CALL  dwh_etl.load_gold"))
    assert record_lineage(cursor).parsed == ["dwh_etl.load_dim_customer"]
    found = rows(
        cursor,
        "SELECT sql_hash, is_current FROM dwh_lineage.code_versions WHERE name = %s ORDER BY id",
        "dwh_etl.load_dim_customer",
    )
    assert found[0] == (before, False)
    assert found[1][1]
    assert found[1][0] == rows(cursor, "SELECT dwh_lineage.sql_hash('dwh_etl.load_dim_customer')")[0][0]


def test_a_new_column_is_seen_although_no_text_changed(cursor: Any) -> None:
    cursor.execute("CREATE TABLE silver.things (a int); CREATE TABLE gold.things (a int, b int)")
    cursor.execute(
        "CREATE PROCEDURE dwh_etl.fill_things() LANGUAGE sql AS 'INSERT INTO gold.things SELECT * FROM silver.things'"
    )
    assert "dwh_etl.fill_things" in record_lineage(cursor).parsed
    assert edges(cursor, "gold.things") == {"a = silver.things.a"}
    cursor.execute("ALTER TABLE silver.things ADD COLUMN b int")
    assert "dwh_etl.fill_things" in record_lineage(cursor).parsed
    assert edges(cursor, "gold.things") == {"a = silver.things.a", "b = silver.things.b"}
    dependency = "SELECT origin FROM dwh_lineage.table_dependencies WHERE downstream_table = 'gold.things'"
    assert rows(cursor, dependency) == [("parsed",)]
    cursor.execute("DROP PROCEDURE dwh_etl.fill_things()")
    record_lineage(cursor)
    assert edges(cursor, "gold.things") == set()
    assert rows(cursor, dependency) == []


def test_edges_go_through_stored_work_tables(cursor: Any) -> None:
    cursor.execute(
        """
        CREATE TABLE silver.things (a int, b int);
        CREATE TABLE dwh_staging.work_things (x int, y int);
        CREATE TABLE gold.things (p int, q int);
        CREATE PROCEDURE dwh_etl.stage_things() LANGUAGE sql
            AS 'INSERT INTO dwh_staging.work_things SELECT a + 1, b FROM silver.things WHERE b > 0';
        CREATE PROCEDURE dwh_etl.fill_things() LANGUAGE sql
            AS 'INSERT INTO gold.things SELECT x, y FROM dwh_staging.work_things';
        """
    )
    record_lineage(cursor)
    assert {edge for edge in edges(cursor, "gold.things") if "dwh_staging" not in edge} == {
        "p = silver.things.a", "q = silver.things.b", "* < silver.things.b filter",
    }  # fmt: skip


def test_what_the_examples_declare_is_what_their_code_does(cursor: Any) -> None:
    assert find_drift(cursor) == []


def test_code_that_reads_something_else_than_declared_is_reported(cursor: Any) -> None:
    cursor.execute(
        """
        CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_retail_monthly_revenue(in_batch_id uuid DEFAULT NULL)
        LANGUAGE sql AS $$
            INSERT INTO gold.retail_monthly_revenue (month, revenue, line_count, _batch_id)
            SELECT date_trunc('month', l.invoiced_at)::date, sum(l.unit_price), count(*), in_batch_id
            FROM silver.invoice_lines AS l GROUP BY 1
        $$
        """
    )
    record_lineage(cursor)
    found = {(drift.between, drift.sentence) for drift in find_drift(cursor, "gold.retail_monthly_revenue")}
    assert (
        "declared, not parsed",
        "revenue is declared to be made of gold.retail_daily_revenue.revenue, but the code does not read that for it",
    ) in found
    assert (
        "parsed, not declared",
        "the code makes revenue of silver.invoice_lines.unit_price, which is not declared",
    ) in found
    assert {sentence for _, sentence in found if "silver.invoice_lines," in sentence} == {
        "the code reads silver.invoice_lines, which is no declared input: its batches are not waited for"
    }
    assert find_drift(cursor, "gold.fact_sales") == []
