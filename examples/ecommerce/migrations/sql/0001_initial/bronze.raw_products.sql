-- Rows of bronze.raw_products as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_products_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    sku text,
    name text,
    category text,
    price text,
    updated_date text,
    op text,
    _extra jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_products_rows IS 'Rows of bronze.raw_products';
CREATE INDEX ON bronze.raw_products_rows USING brin (_bronze_id);

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
    'bronze.raw_products',
    'bronze',
    'bronze',
    'ecommerce',
    'Products as the catalogue sends them.',
    '{"columns": [{"name": "sku"}, {"name": "name"}, {"name": "category"}, {"name": "price"}, {"name": "updated_date"}, {"name": "op"}], "description": "Products as the catalogue sends them.", "kind": "bronze", "layer": "bronze", "name": "raw_products", "source": {"name": "catalogue_products"}}'::jsonb,
    'bronze.raw_products_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_products_rows', 'bronze.raw_products');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_products');

CREATE VIEW bronze.raw_products AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r.sku,
    r.name,
    r.category,
    r.price,
    r.updated_date,
    r.op,
    r._extra
FROM bronze.raw_products_rows AS r;
COMMENT ON VIEW bronze.raw_products IS 'Products as the catalogue sends them.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (sku, name, category, price, updated_date, op, _extra) ON bronze.raw_products');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (sku, name, category, price, updated_date, op, _extra) ON bronze.raw_products_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('catalogue_products', 'bronze.raw_products', 'declared')
ON CONFLICT DO NOTHING;
