-- Rows of bronze.raw_invoice_lines as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_invoice_lines_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    invoice_no text,
    stock_code text,
    description text,
    quantity text,
    invoice_date text,
    unit_price text,
    customer_id text,
    country text,
    _extra jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_invoice_lines_rows IS 'Rows of bronze.raw_invoice_lines';
CREATE INDEX ON bronze.raw_invoice_lines_rows USING brin (_bronze_id);

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
    'bronze.raw_invoice_lines',
    'bronze',
    'bronze',
    'retail',
    'Invoice lines as the shop exports them.',
    '{"columns": [{"headers": ["InvoiceNo"], "name": "invoice_no"}, {"headers": ["StockCode"], "name": "stock_code"}, {"headers": ["Description"], "name": "description"}, {"headers": ["Quantity"], "name": "quantity"}, {"headers": ["InvoiceDate"], "name": "invoice_date"}, {"headers": ["UnitPrice"], "name": "unit_price"}, {"headers": ["CustomerID"], "name": "customer_id"}, {"headers": ["Country"], "name": "country"}], "description": "Invoice lines as the shop exports them.", "kind": "bronze", "layer": "bronze", "name": "raw_invoice_lines", "source": {"name": "invoices"}}'::jsonb,
    'bronze.raw_invoice_lines_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_invoice_lines_rows', 'bronze.raw_invoice_lines');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_invoice_lines');

CREATE VIEW bronze.raw_invoice_lines AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r.invoice_no,
    r.stock_code,
    r.description,
    r.quantity,
    r.invoice_date,
    r.unit_price,
    r.customer_id,
    r.country,
    r._extra
FROM bronze.raw_invoice_lines_rows AS r;
COMMENT ON VIEW bronze.raw_invoice_lines IS 'Invoice lines as the shop exports them.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country, _extra) ON bronze.raw_invoice_lines');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country, _extra) ON bronze.raw_invoice_lines_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('invoices', 'bronze.raw_invoice_lines', 'declared')
ON CONFLICT DO NOTHING;
