"""Records for the pages' tests: a small warehouse with its ledger, runs and exceptions, written by set-based SQL.

No warehouse table exists behind it: the pages that are tested with it read metadata alone.
"""

from __future__ import annotations

from django.db import connection

BRONZE, LINES, CUSTOMERS = "bronze.raw_till_lines", "silver.till_lines", "silver.till_customers"
REVENUE, PRODUCTS = "gold.till_revenue", "gold.till_products"
CAUSES = (  # rule, column, message, one row in so many breaks it, an offending value
    ("customer_id:required", "customer_id", "Customer is missing", 1, None),
    ("quantity:range", "quantity", "Quantity must be above 0", 20, "-12"),
    ("invoice_no:matches", "invoice_no", "Invoice is a cancellation", 22, "C536379"),
    ("unit_price:range", "unit_price", "Unit price must be above 0", 60, "0.0"),
)


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def seed_warehouse() -> None:
    """Five tables in three layers, twenty ingested files, a load of each table, and two batches that wait."""
    _execute(
        f"""
        INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation, created_at)
        SELECT v.t, split_part(v.t, '.', 1), v.kind, 'till', v.t, now() - interval '3 days'
        FROM (VALUES ('{BRONZE}', 'bronze'), ('{LINES}', 'append'), ('{CUSTOMERS}', 'scd2'), ('{REVENUE}', 'aggregate'),
            ('{PRODUCTS}', 'dimension')) AS v (t, kind)
        """,
        f"""
        UPDATE dwh_lineage.targets SET contract = '{{"source_columns": ["InvoiceNo", "StockCode", "Description",
            "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]}}' WHERE target = '{LINES}'
        """,
        f"""
        INSERT INTO dwh_lineage.target_inputs (consumer, source)
        VALUES ('{LINES}', '{BRONZE}'), ('{CUSTOMERS}', '{BRONZE}'), ('{REVENUE}', '{LINES}'),
            ('{PRODUCTS}', '{LINES}')
        """,
        f"""
        INSERT INTO dwh_lineage.batches (target, kind, source_system, source_file, source_checksum, ingested_at,
            completed_at, first_bronze_id, last_bronze_id, rows_read, rows_inserted, rows_rejected, opened_in)
        SELECT '{BRONZE}', 'ingest', 'till', format('till_2010-12-%s.csv', to_char(g, 'FM00')), md5(g::text),
            now() - interval '70 minutes' + g * interval '1 second', now() - interval '69 minutes',
            (g - 1) * 2200, g * 2200, 2125, 2124, 1, 1
        FROM generate_series(1, 20) AS g
        """,
        f"""
        INSERT INTO dwh_lineage.batches (target, kind, batch_id, ingested_at, completed_at, rows_read, rows_inserted,
            rows_updated, rows_deleted, rows_unchanged, rows_rejected, opened_in)
        SELECT v.t, 'load', '00000000-0000-0000-0000-000000000001', now() - interval '65 minutes',
            now() - interval '64 minutes', v.read, v.ins, v.upd, 0, v.same, v.rej, 1
        FROM (VALUES ('{LINES}', 42481, 26157, 0, 0, 16324), ('{CUSTOMERS}', 26850, 949, 1, 25900, 0),
            ('{REVENUE}', 26157, 164, 0, 0, 0)) AS v (t, read, ins, upd, same, rej)
        """,
        f"""
        INSERT INTO dwh_lineage.pendings (consumer, batch_no)
        SELECT '{CUSTOMERS}', b.batch_no FROM dwh_lineage.batches AS b WHERE b.target = '{BRONZE}'
        ORDER BY b.batch_no DESC LIMIT 2
        """,
        f"""
        INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)
        SELECT b.batch_no, 17, 18, '\\x35333633362c3834303239452cff22'::bytea, 'A quote is opened and never closed'
        FROM dwh_lineage.batches AS b WHERE b.target = '{BRONZE}'
        """,
    )


def seed_accounting(gap: int = 0) -> None:
    """A measurement of the accounting line of one silver table."""
    _execute(
        f"""
        INSERT INTO dwh_lineage.quality_metrics (batch_id, table_name, metric_name, metric_value, passed, details)
        VALUES (gen_random_uuid(), '{LINES}', 'accounting', {gap}, {gap} = 0, jsonb_build_object(
            '{BRONZE} rows', 42481, 'current', 26157 - {gap}, 'history', 0, 'unchanged', 0, 'superseded', 0,
            'deleted', 0, 'excluded', 0, 'quarantined', 16324, 'rejected', 0, 'waiting', 0))
        """
    )


def seed_runs(runs: int, with_steps: int = 60) -> None:
    """So many runs of three pipelines, one in 500 failed; the latest have steps, attempts and batches."""
    _execute(
        f"""
        INSERT INTO dwh_lineage.pipeline_runs (batch_id, pipeline_name, status, created_at, started_at, completed_at,
            trigger, requested_by, code_version, parameters)
        SELECT md5(g::text)::uuid, (ARRAY['retail', 'crm_hourly', 'night'])[1 + g % 3],
            CASE WHEN ({runs} - g) % 500 = 7 THEN 'failed' ELSE 'completed' END,
            s.at, s.at + interval '0.2 seconds', s.at + interval '3.4 seconds' + g % 7 * interval '1 second',
            CASE WHEN g % 5 = 0 THEN 'manual' ELSE 'schedule' END, CASE WHEN g % 5 = 0 THEN 'ada' ELSE '' END,
            '8387e10', CASE WHEN g % 5 = 0 THEN '{{"day": "2010-12-01"}}' ELSE '{{}}' END::jsonb
        FROM generate_series(1, {runs}) AS g
        CROSS JOIN LATERAL (SELECT now() - ({runs} - g + 1) * interval '7 minutes' AS at) AS s
        """,
        f"""
        INSERT INTO dwh_lineage.run_steps (run_id, target, position, state, token, started_at, ended_at, error_sqlstate,
            error_message, error_hint)
        SELECT r.run_id, v.t, v.n,
            CASE WHEN r.status = 'failed' THEN (ARRAY['succeeded', 'failed', 'succeeded', 'upstream_failed'])[v.n]
                ELSE 'succeeded' END,
            1, r.started_at + (v.n - 1) * interval '0.8 seconds', r.started_at + v.n * interval '0.8 seconds',
            CASE WHEN r.status = 'failed' AND v.n = 2 THEN '22008' END,
            CASE WHEN r.status = 'failed' AND v.n = 2 THEN 'date/time field value out of range: "31/02/2010"' END,
            CASE WHEN r.status = 'failed' AND v.n = 2 THEN 'Perhaps you need a different "datestyle" setting.' END
        FROM dwh_lineage.pipeline_runs AS r
        CROSS JOIN (VALUES ('{BRONZE}', 1), ('{LINES}', 2), ('{CUSTOMERS}', 3), ('{REVENUE}', 4)) AS v (t, n)
        WHERE r.run_id > (SELECT max(m.run_id) - {with_steps} FROM dwh_lineage.pipeline_runs AS m)
        """,
        """
        INSERT INTO dwh_lineage.step_attempts (step_id, token, worker, started_at, ended_at, outcome, sqlstate, message)
        SELECT s.id, 1, 'worker-1@etl', s.started_at, s.ended_at, s.state, s.error_sqlstate, s.error_message
        FROM dwh_lineage.run_steps AS s WHERE s.state IN ('succeeded', 'failed')
        """,
        f"""
        INSERT INTO dwh_lineage.batches (target, kind, batch_id, completed_at, rows_read, rows_inserted, rows_updated,
            rows_deleted, rows_unchanged, rows_rejected, opened_in)
        SELECT s.target, 'load', r.batch_id, s.ended_at, 2000, 10, 3, 0, 1980, 7, 1
        FROM dwh_lineage.run_steps AS s
        JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id
        WHERE s.state = 'succeeded' AND s.target <> '{BRONZE}'
        """,
        """
        UPDATE dwh_lineage.run_steps AS s SET batch_no = b.batch_no
        FROM dwh_lineage.pipeline_runs AS r, dwh_lineage.batches AS b
        WHERE r.run_id = s.run_id AND b.batch_id = r.batch_id AND b.target = s.target
        """,
        "ANALYZE dwh_lineage.pipeline_runs, dwh_lineage.run_steps, dwh_lineage.step_attempts, dwh_lineage.batches",
    )


def seed_exceptions(rows: int) -> None:
    """So many open exceptions of one target, with four causes; every row lacks its customer."""
    for position, (rule, column, message, every, _) in enumerate(CAUSES, start=1):
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO dwh_lineage.quality_rules (target, rule, position, column_name, kind, message, version)
                VALUES (%(target)s, %(rule)s, %(position)s, %(column)s, 'required', %(message)s, 'v1')
                """,
                {"target": LINES, "rule": rule, "position": position, "column": column, "message": message},
            )
            cursor.execute(
                """
                WITH issue AS (
                    INSERT INTO dwh_lineage.quality_issues (fingerprint, target, rule, column_name, title,
                        first_batch_no, first_seen_at)
                    SELECT %(target)s || ' ' || %(rule)s, %(target)s, %(rule)s, %(column)s, %(message)s,
                        min(b.batch_no), now() - interval '64 minutes'
                    FROM dwh_lineage.batches AS b WHERE b.target = %(target)s
                    RETURNING id, first_batch_no
                )
                INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
                SELECT i.id, i.first_batch_no, %(open)s FROM issue AS i
                """,
                {"target": LINES, "rule": rule, "column": column, "message": message, "open": rows // every},
            )
    _execute(
        f"""
        INSERT INTO dwh_lineage.quality_exceptions (source_table, source_id, bronze_id, issues, source_data,
            detected_at, target_table, batch_no)
        SELECT '{BRONZE}', (536364 + g)::text || '|85123A', g,
            ARRAY['Customer is missing']
                || CASE WHEN g % 20 = 0 THEN ARRAY['Quantity must be above 0'] ELSE '{{}}' END,
            jsonb_build_object(
                'InvoiceNo', CASE WHEN g % 22 = 0 THEN 'C' ELSE '' END || (536364 + g), 'StockCode', '85123A',
                'Description', 'WHITE HANGING HEART T-LIGHT HOLDER',
                'Quantity', CASE WHEN g % 20 = 0 THEN '-12' ELSE '6' END, 'InvoiceDate', '2010-12-01 08:26:00',
                'UnitPrice', CASE WHEN g % 60 = 0 THEN '0.0' ELSE '2.55' END, 'CustomerID', NULL,
                'Country', 'United Kingdom'),
            now() - interval '64 minutes', '{LINES}',
            (SELECT min(b.batch_no) FROM dwh_lineage.batches AS b WHERE b.target = '{LINES}')
        FROM generate_series(1, {rows}) AS g
        """,
        f"""
        INSERT INTO dwh_lineage.column_lineage (source_table, source_column, target_table, target_column)
        VALUES ('{BRONZE}', 'CustomerID', '{LINES}', 'customer_id'), ('{BRONZE}', 'Quantity', '{LINES}', 'quantity'),
            ('{BRONZE}', 'InvoiceNo', '{LINES}', 'invoice_no'), ('{BRONZE}', 'UnitPrice', '{LINES}', 'unit_price')
        """,
        *(
            f"""
            INSERT INTO dwh_lineage.exception_breaches (exception_id, issue_id, rule, column_name, value, message)
            SELECT e.id, i.id, i.rule, i.column_name, {"NULL" if value is None else f"'{value}'"}, i.title
            FROM dwh_lineage.quality_exceptions AS e
            JOIN dwh_lineage.quality_issues AS i ON i.fingerprint = '{LINES} {rule}'
            WHERE e.bronze_id % {every} = 0
            """
            for rule, _, _, every, value in CAUSES
        ),
        """
        INSERT INTO dwh_lineage.exception_events (exception_id, to_state, batch_no, at)
        SELECT e.id, 'open', e.batch_no, e.detected_at FROM dwh_lineage.quality_exceptions AS e
        """,
        "ANALYZE dwh_lineage.quality_exceptions, dwh_lineage.exception_breaches",
    )


def seed_sales() -> int:
    """Two lines of a file, sold in Norway on one day, and a third one that is no sale, as if `retail` had loaded
    them; the bronze id of the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dwh_etl.begin_ingestion('bronze.raw_invoice_lines', 'till', 'till/lines_05.csv', 'x', 9)"
        )
        (batch,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO bronze.raw_invoice_lines_rows"
            " (invoice_no, stock_code, quantity, invoice_date, unit_price, country)"
            " VALUES ('1', 'A', '2', '2026-01-05 10:00', '3.50', 'Norway'),"
            " ('1', 'B', '1', '2026-01-05 10:00', '4', 'Norway'),"
            " ('2', 'A', 'two', '2026-01-05 11:00', '3.50', 'Norway') RETURNING _bronze_id"
        )
        ids = [number for (number,) in cursor.fetchall()]
        cursor.execute("SELECT dwh_etl.finish_ingestion(%s, 3)", [batch])
        cursor.execute(
            "INSERT INTO silver.invoice_lines (invoice_no, stock_code, quantity, invoiced_at, unit_price, country,"
            " _source_bronze_id, _batch_id) SELECT b.invoice_no, b.stock_code, b.quantity::int,"
            " b.invoice_date::timestamptz, b.unit_price::numeric, b.country, b._bronze_id, gen_random_uuid()"
            " FROM bronze.raw_invoice_lines AS b WHERE b.quantity <> 'two'"
        )
        cursor.execute(
            "INSERT INTO gold.retail_daily_revenue (day, country, revenue, line_count, invoice_count, _batch_id)"
            " VALUES ('2026-01-05', 'Norway', 11.00, 2, 1, gen_random_uuid())"
        )
        cursor.execute("DELETE FROM dwh_lineage.pendings")
        cursor.execute(
            "INSERT INTO dwh_lineage.quality_exceptions (source_table, bronze_id, issues, target_table, batch_no)"
            " VALUES ('bronze.raw_invoice_lines', %s, '{Quantity is no number}', 'silver.invoice_lines', %s)",
            [ids[2], batch],
        )
    return int(ids[0])
