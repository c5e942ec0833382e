-- Rows of bronze.raw_order_items as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_order_items_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    order_id text,
    line_number text,
    sku text,
    quantity text,
    unit_price text,
    discount text,
    tax text,
    updated_date text,
    op text,
    _extra jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_order_items_rows IS 'Rows of bronze.raw_order_items';
CREATE INDEX ON bronze.raw_order_items_rows USING brin (_bronze_id);

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
    'bronze.raw_order_items',
    'bronze',
    'bronze',
    'ecommerce',
    'Lines of orders as the shop sends them.',
    '{"columns": [{"name": "order_id"}, {"name": "line_number"}, {"name": "sku"}, {"name": "quantity"}, {"name": "unit_price"}, {"name": "discount"}, {"name": "tax"}, {"name": "updated_date"}, {"name": "op"}], "description": "Lines of orders as the shop sends them.", "kind": "bronze", "layer": "bronze", "name": "raw_order_items", "source": {"name": "shop_order_items"}}'::jsonb,
    'bronze.raw_order_items_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_order_items_rows', 'bronze.raw_order_items');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_order_items');

CREATE VIEW bronze.raw_order_items AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r.order_id,
    r.line_number,
    r.sku,
    r.quantity,
    r.unit_price,
    r.discount,
    r.tax,
    r.updated_date,
    r.op,
    r._extra
FROM bronze.raw_order_items_rows AS r;
COMMENT ON VIEW bronze.raw_order_items IS 'Lines of orders as the shop sends them.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (order_id, line_number, sku, quantity, unit_price, discount, tax, updated_date, op, _extra) ON bronze.raw_order_items');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (order_id, line_number, sku, quantity, unit_price, discount, tax, updated_date, op, _extra) ON bronze.raw_order_items_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('shop_order_items', 'bronze.raw_order_items', 'declared')
ON CONFLICT DO NOTHING;
