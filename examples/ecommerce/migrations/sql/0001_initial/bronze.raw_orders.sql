-- Rows of bronze.raw_orders as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_orders_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    id text,
    customer_id text,
    order_date text,
    status text,
    total text,
    updated_date text,
    op text,
    _extra jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_orders_rows IS 'Rows of bronze.raw_orders';
CREATE INDEX ON bronze.raw_orders_rows USING brin (_bronze_id);

INSERT INTO dwh_lineage.targets (
    target,
    layer,
    kind,
    warehouse,
    description,
    contract,
    rows_relation
)
VALUES (
    'bronze.raw_orders',
    'bronze',
    'bronze',
    'ecommerce',
    'Orders as the shop sends them.',
     E'{"columns": [{"name": "id"}, {"name": "customer_id"}, {"name": "order_date"}, {"name": "status"}, {"name": "total"}, {"name": "updated_date"}, {"name": "op"}], "description": "Orders as the shop sends them.", "kind": "bronze", "layer": "bronze", "name": "raw_orders", "routines": {"ingest_daily_orders": "-- Ingests the shop''s file of a day from the folder that the setting assay.files names. Takes the day and the run''s id.\\nCREATE PROCEDURE dwh_etl.ingest_daily_orders(in_date date, in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    SELECT dwh_etl.ingest_csv_file(\\n        ''bronze.raw_orders'', to_char(in_date, ''\\"ecommerce/shop/orders_\\"YYYY-MM-DD\\".csv\\"''), ''shop_orders'', in_batch_id\\n    );\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.ingest_daily_orders(date, uuid) IS ''Ingests the orders of a day'';\\n", "ingest_orders": "-- dwh_etl.ingest_daily_orders under its other name. Takes the day and the run''s id.\\nCREATE PROCEDURE dwh_etl.ingest_orders(in_date date DEFAULT current_date - 1, in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.ingest_daily_orders(in_date, in_batch_id);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.ingest_orders(date, uuid) IS ''Ingests the orders of a day'';\\n"}, "source": {"name": "shop_orders"}}'::jsonb,
    'bronze.raw_orders_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_orders_rows', 'bronze.raw_orders');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_orders');

CREATE VIEW bronze.raw_orders AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r.id,
    r.customer_id,
    r.order_date,
    r.status,
    r.total,
    r.updated_date,
    r.op,
    r._extra
FROM bronze.raw_orders_rows AS r;
COMMENT ON VIEW bronze.raw_orders IS 'Orders as the shop sends them.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (id, customer_id, order_date, status, total, updated_date, op, _extra) ON bronze.raw_orders');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (id, customer_id, order_date, status, total, updated_date, op, _extra) ON bronze.raw_orders_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('shop_orders', 'bronze.raw_orders', 'declared')
ON CONFLICT DO NOTHING;

-- Ingests the shop's file of a day from the folder that the setting assay.files names. Takes the day and the run's id.
CREATE PROCEDURE dwh_etl.ingest_daily_orders(in_date date, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    SELECT dwh_etl.ingest_csv_file(
        'bronze.raw_orders', to_char(in_date, '"ecommerce/shop/orders_"YYYY-MM-DD".csv"'), 'shop_orders', in_batch_id
    );
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_daily_orders(date, uuid) IS 'Ingests the orders of a day';

-- dwh_etl.ingest_daily_orders under its other name. Takes the day and the run's id.
CREATE PROCEDURE dwh_etl.ingest_orders(in_date date DEFAULT current_date - 1, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.ingest_daily_orders(in_date, in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_orders(date, uuid) IS 'Ingests the orders of a day';
