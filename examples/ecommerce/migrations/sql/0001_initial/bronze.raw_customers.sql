-- Rows of bronze.raw_customers as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_customers_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    id text,
    email text,
    name text,
    status text,
    channel text,
    city text,
    country text,
    created_date text,
    updated_date text,
    op text,
    _extra jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_customers_rows IS 'Rows of bronze.raw_customers';
CREATE INDEX ON bronze.raw_customers_rows USING brin (_bronze_id);

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
    'bronze.raw_customers',
    'bronze',
    'bronze',
    'ecommerce',
    'Customers as the CRM sends them.',
    '{"columns": [{"name": "id"}, {"name": "email"}, {"name": "name"}, {"name": "status"}, {"name": "channel"}, {"name": "city"}, {"name": "country"}, {"name": "created_date"}, {"name": "updated_date"}, {"name": "op"}], "description": "Customers as the CRM sends them.", "kind": "bronze", "layer": "bronze", "name": "raw_customers", "source": {"name": "crm_customers"}}'::jsonb,
    'bronze.raw_customers_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_customers_rows', 'bronze.raw_customers');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_customers');

CREATE VIEW bronze.raw_customers AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r.id,
    r.email,
    r.name,
    r.status,
    r.channel,
    r.city,
    r.country,
    r.created_date,
    r.updated_date,
    r.op,
    r._extra
FROM bronze.raw_customers_rows AS r;
COMMENT ON VIEW bronze.raw_customers IS 'Customers as the CRM sends them.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (id, email, name, status, channel, city, country, created_date, updated_date, op, _extra) ON bronze.raw_customers');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (id, email, name, status, channel, city, country, created_date, updated_date, op, _extra) ON bronze.raw_customers_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('crm_customers', 'bronze.raw_customers', 'declared')
ON CONFLICT DO NOTHING;
