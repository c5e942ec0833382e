"""Millions of exceptions, for tests of pages: set-based SQL into tables without indexes, which get them back.

As in a warehouse that has run for years: nearly all are resolved; the latest batch, one in twenty, has just failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import connection

from tests import seeds

LINES, CUSTOMERS = seeds.LINES, seeds.CUSTOMERS
BATCHES = 500  # loads, and as many files
DECISIONS = 500
#: Whose causes have very many rows, and whose have few.
BUSY, IDLE = "busy", "idle"
FILLED = ("quality_exceptions", "exception_breaches", "exception_events", "corrections", "decision_rows")

_NAMES = {
    "rows": "%(rows)s::bigint",
    "lines": f"'{LINES}'",
    "customers": f"'{CUSTOMERS}'",
    "bronze": f"'{seeds.BRONZE}'",
}
#: Of exception g: in the latest batch nearly all are open; before, nearly all landed, some were rejected or superseded.
_STATE = """
    CASE WHEN g.n > {rows} * 19 / 20 THEN CASE
            WHEN g.n %% 20 = 7 THEN 'landed' WHEN g.n %% 1000 = 1 THEN 'proposed' WHEN g.n %% 1000 = 2 THEN 'queued'
            ELSE 'open' END
        WHEN g.n %% 1000 = 7 THEN 'open' WHEN g.n %% 1000 = 4 THEN 'rejected' WHEN g.n %% 50 = 5 THEN 'superseded'
        ELSE 'landed' END
"""
_BATCH = (
    "(CASE WHEN g.n > {rows} * 19 / 20 THEN {batches} ELSE 1 + (g.n - 1) * ({batches} - 1) * 20 / ({rows} * 19) END)"
)
_STATEMENTS = (
    """
    INSERT INTO dwh_lineage.quality_rules (target, rule, position, column_name, kind, definition, message, version)
    VALUES ({lines}, 'customer_id:required', 1, 'customer_id', 'required', '{{}}', 'Customer is missing', 'v1'),
        ({lines}, 'status:one_of', 2, 'status', 'one_of', '{{"values": ["sold", "sent"]}}', 'Status is unknown', 'v1'),
        ({lines}, 'unit_price:range', 3, 'unit_price', 'range', '{{}}', 'Unit price must be above 0', 'v1'),
        ({customers}, 'email:matches', 1, 'email', 'matches', '{{}}', 'The e-mail is no address', 'v1')
    """,
    """
    CREATE TEMP TABLE many_loads AS
    WITH made AS (
        INSERT INTO dwh_lineage.batches (target, kind, batch_id, ingested_at, completed_at, rows_read, rows_inserted,
            rows_updated, rows_deleted, rows_unchanged, rows_rejected, opened_in)
        SELECT {lines}, 'load', gen_random_uuid(), now() - ({batches} - g) * interval '4 hours',
            now() - ({batches} - g) * interval '4 hours', 10000, 9000, 0, 0, 0, 1000, 1
        FROM generate_series(1, {batches}) AS g
        RETURNING batch_no, completed_at
    )
    SELECT row_number() OVER (ORDER BY m.batch_no) AS n, m.batch_no, m.completed_at FROM made AS m
    """,
    """
    INSERT INTO dwh_lineage.batches (target, kind, source_system, source_file, source_checksum, ingested_at,
        completed_at, first_bronze_id, last_bronze_id, rows_read, rows_inserted, rows_rejected, opened_in)
    SELECT {bronze}, 'ingest', 'till', format('many_%%s.csv', l.n), md5('many' || l.n), l.completed_at, l.completed_at,
        10000000 + (l.n - 1) * {rows} / {batches}, 10000000 + l.n * {rows} / {batches}, 1000, 1000, 0, 1
    FROM many_loads AS l
    """,
    """
    INSERT INTO dwh_lineage.quality_issues (fingerprint, target, rule, column_name, cause, title, first_batch_no,
        first_seen_at, assignee_id)
    SELECT v.target || ' ' || v.rule || coalesce(' =' || v.value, ''), v.target, v.rule, v.field, '=' || v.value,
        v.title, (SELECT min(l.batch_no) FROM many_loads AS l), now() - interval '9 months',
        (SELECT u.id FROM auth_user AS u WHERE u.username = v.owner)
    FROM (
        VALUES ({lines}, 'customer_id:required', 'customer_id', NULL, 'Customer is missing', %(busy)s),
            ({lines}, 'unit_price:range', 'unit_price', NULL, 'Unit price must be above 0', %(idle)s),
            ({customers}, 'email:matches', 'email', NULL, 'The e-mail is no address', NULL)
        UNION ALL
        SELECT {lines}, 'status:one_of', 'status', 'stat' || k, 'status = stat' || k, NULL
        FROM generate_series(0, 19) AS k
    ) AS v (target, rule, field, value, title, owner)
    """,
    """
    INSERT INTO dwh_lineage.quality_decisions (verb, target, state, selection, patch, author_id, needs_approval,
        selected, landed, created_at, finished_at)
    SELECT 'correct', {lines}, CASE WHEN g %% 20 = 0 THEN 'proposed' ELSE 'done' END, jsonb_build_object('issue', (
            SELECT i.id FROM dwh_lineage.quality_issues AS i WHERE i.fingerprint = {lines} || ' customer_id:required'
        )), '{{"CustomerID": "17850"}}', (SELECT u.id FROM auth_user AS u WHERE u.username = %(busy)s), g %% 20 = 0,
        1000, CASE WHEN g %% 20 = 0 THEN 0 ELSE 1000 END, now() - (500 - g) * interval '4 hours', now()
    FROM generate_series(1, {decisions}) AS g
    """,
    """
    INSERT INTO dwh_lineage.quality_exceptions (source_table, source_id, bronze_id, issues, source_data, detected_at,
        resolved_at, resolution, target_table, state, batch_no)
    SELECT {bronze}, g.n || '|85123A', 10000000 + g.n, ARRAY['Customer is missing'], jsonb_build_object(
            'InvoiceNo', 'C' || g.n, 'StockCode', '85123A', 'Quantity', '6', 'CustomerID', NULL),
        l.completed_at, CASE WHEN s.state IN ('landed', 'rejected', 'superseded') THEN l.completed_at END,
        CASE WHEN s.state IN ('landed', 'rejected', 'superseded') THEN 'decided' END,
        CASE WHEN g.n %% 500 = 0 THEN {customers} ELSE {lines} END, s.state, l.batch_no
    FROM generate_series(1, {rows}) AS g (n)
    CROSS JOIN LATERAL (SELECT {state} AS state) AS s
    JOIN many_loads AS l ON l.n = {batch}
    """,
    """
    INSERT INTO dwh_lineage.exception_breaches (exception_id, issue_id, rule, column_name, value, message)
    SELECT e.id, i.id, i.rule, i.column_name, substr(i.cause, 2), i.title
    FROM dwh_lineage.quality_exceptions AS e
    JOIN dwh_lineage.quality_issues AS i ON i.fingerprint = CASE
        WHEN e.target_table = {customers} THEN {customers} || ' email:matches'
        WHEN e.bronze_id %% 10 < 6 THEN {lines} || ' customer_id:required'
        ELSE {lines} || ' status:one_of =stat' || e.bronze_id / 10 %% 20 END
    UNION ALL
    SELECT e.id, i.id, i.rule, i.column_name, '0.0', i.title
    FROM dwh_lineage.quality_exceptions AS e
    JOIN dwh_lineage.quality_issues AS i ON i.fingerprint = {lines} || ' unit_price:range'
    WHERE e.target_table = {lines} AND e.bronze_id %% ({rows} / 100) = 11
    """,
    """
    INSERT INTO dwh_lineage.exception_events (exception_id, to_state, batch_no, at)
    SELECT e.id, 'open', e.batch_no, e.detected_at FROM dwh_lineage.quality_exceptions AS e
    """,
    """
    INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, expected, decision_id)
    SELECT e.target_table, e.bronze_id, 1, '{{"CustomerID": "17850"}}', '{{"CustomerID": null}}',
        (SELECT min(d.id) FROM dwh_lineage.quality_decisions AS d)
    FROM dwh_lineage.quality_exceptions AS e WHERE e.state = 'landed' AND e.bronze_id %% 10 = 0
    """,
    """
    INSERT INTO dwh_lineage.decision_rows (decision_id, exception_id, bronze_id, outcome)
    SELECT (SELECT min(d.id) FROM dwh_lineage.quality_decisions AS d), e.id, e.bronze_id, 'landed'
    FROM dwh_lineage.quality_exceptions AS e WHERE e.state = 'landed' AND e.bronze_id %% 10 = 0
    """,
    """
    INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta, recorded_at)
    SELECT c.issue_id, c.batch_no, d.delta, l.completed_at
    FROM (
        SELECT b.issue_id, e.batch_no, count(*) AS came,
            count(*) FILTER (WHERE e.state IN ('landed', 'rejected', 'superseded')) AS went
        FROM dwh_lineage.exception_breaches AS b
        JOIN dwh_lineage.quality_exceptions AS e ON e.id = b.exception_id
        GROUP BY b.issue_id, e.batch_no
    ) AS c
    JOIN many_loads AS l ON l.batch_no = c.batch_no
    CROSS JOIN LATERAL (VALUES (c.came), (-c.went)) AS d (delta)
    """,
    """
    INSERT INTO dwh_lineage.open_row_deltas (target, delta, recorded_at)
    SELECT c.target_table, d.delta, l.completed_at
    FROM (
        SELECT e.target_table, e.batch_no, count(*) AS came,
            count(*) FILTER (WHERE e.state IN ('landed', 'rejected', 'superseded')) AS went
        FROM dwh_lineage.quality_exceptions AS e GROUP BY e.target_table, e.batch_no
    ) AS c
    JOIN many_loads AS l ON l.batch_no = c.batch_no
    CROSS JOIN LATERAL (VALUES (c.came), (-c.went)) AS d (delta)
    """,
    """
    INSERT INTO dwh_lineage.quality_metrics (batch_id, table_name, metric_name, metric_value, passed, measured_at,
        details)
    SELECT gen_random_uuid(), {lines}, m.name, 10, l.n %% 7 > 0, l.completed_at,
        '{{"rows": 1000, "broken": 100, "threshold": "20%%", "severity": "quarantine", "version": "v1"}}'
    FROM many_loads AS l
    CROSS JOIN (VALUES ('customer_id:required'), ('status:one_of'), ('accounting')) AS m (name)
    """,
)


def seed_many_exceptions(rows: int) -> None:
    """The small warehouse of tests/seeds.py with so many exceptions of two tables."""
    seeds.seed_warehouse()
    for name in (BUSY, IDLE):
        User.objects.create_user(name, is_staff=True)
    names = {name: part.format(**_NAMES, batches=BATCHES) for name, part in (("state", _STATE), ("batch", _BATCH))}
    values: dict[str, int | str] = {"rows": rows, "busy": BUSY, "idle": IDLE}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with _bare():
        for statement in _STATEMENTS:
            with connection.cursor() as cursor:
                said = statement.format(**_NAMES, **names, batches=BATCHES, decisions=DECISIONS)
                cursor.execute(said, values)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE many_loads")
        for table in (*FILLED, "quality_issues", "issue_deltas", "open_row_deltas", "quality_metrics", "batches"):
            cursor.execute(f"ANALYZE dwh_lineage.{table}")


@contextmanager
def _bare() -> Iterator[None]:
    """The tables that are filled have no index, foreign key or trigger meanwhile; what is broken then, is refused."""
    again = []
    with connection.cursor() as cursor:
        for table in FILLED:
            relation = f"dwh_lineage.{table}"
            cursor.execute(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = %s::regclass AND contype IN ('f', 'u') ORDER BY contype DESC",
                [relation],
            )
            for name, definition in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {relation} DROP CONSTRAINT "{name}"')
                again.append(f'ALTER TABLE {relation} ADD CONSTRAINT "{name}" {definition}')
            cursor.execute(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
                "WHERE indrelid = %s::regclass AND NOT indisprimary",
                [relation],
            )
            for name, definition in cursor.fetchall():
                cursor.execute(f"DROP INDEX {name}")
                again.append(definition)
            cursor.execute(f"ALTER TABLE {relation} DISABLE TRIGGER USER")
            again.append(f"ALTER TABLE {relation} ENABLE TRIGGER USER")
        yield
        for statement in again:
            cursor.execute(statement)
