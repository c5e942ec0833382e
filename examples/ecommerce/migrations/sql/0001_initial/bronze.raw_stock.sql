-- Rows of bronze.raw_stock as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_stock_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    sku text,
    on_hand text,
    reserved text,
    updated_date text,
    op text,
    _extra jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_stock_rows IS 'Rows of bronze.raw_stock';
CREATE INDEX ON bronze.raw_stock_rows USING brin (_bronze_id);

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
    'bronze.raw_stock',
    'bronze',
    'bronze',
    'ecommerce',
    'Counted stock as the storehouse sends it.',
    '{"columns": [{"name": "sku"}, {"name": "on_hand"}, {"name": "reserved"}, {"name": "updated_date"}, {"name": "op"}], "description": "Counted stock as the storehouse sends it.", "kind": "bronze", "layer": "bronze", "name": "raw_stock", "source": {"name": "stock_counts"}}'::jsonb,
    'bronze.raw_stock_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_stock_rows', 'bronze.raw_stock');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_stock');

CREATE VIEW bronze.raw_stock AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r.sku,
    r.on_hand,
    r.reserved,
    r.updated_date,
    r.op,
    r._extra
FROM bronze.raw_stock_rows AS r;
COMMENT ON VIEW bronze.raw_stock IS 'Counted stock as the storehouse sends it.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (sku, on_hand, reserved, updated_date, op, _extra) ON bronze.raw_stock');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (sku, on_hand, reserved, updated_date, op, _extra) ON bronze.raw_stock_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('stock_counts', 'bronze.raw_stock', 'declared')
ON CONFLICT DO NOTHING;
