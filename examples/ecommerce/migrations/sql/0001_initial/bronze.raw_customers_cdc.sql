-- Rows of bronze.raw_customers_cdc as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_customers_cdc_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    _cdc_operation text,
    _cdc_timestamp text,
    _cdc_lsn text,
    _cdc_table text,
    id text,
    email text,
    name text,
    status text,
    _extra jsonb,
    _raw_payload jsonb,
    before_data jsonb,
    after_data jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_customers_cdc_rows IS 'Rows of bronze.raw_customers_cdc';
CREATE INDEX ON bronze.raw_customers_cdc_rows USING brin (_bronze_id);

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
    'bronze.raw_customers_cdc',
    'bronze',
    'bronze',
    'ecommerce',
    'Customers before and after each change in the CRM''s database.',
    '{"columns": [{"name": "_cdc_operation"}, {"name": "_cdc_timestamp"}, {"name": "_cdc_lsn"}, {"name": "_cdc_table"}, {"name": "id"}, {"name": "email"}, {"name": "name"}, {"name": "status"}], "description": "Customers before and after each change in the CRM''s database.", "kind": "bronze", "layer": "bronze", "name": "raw_customers_cdc", "records": {"at": [], "event": []}, "source": {"name": "customers_cdc"}}'::jsonb,
    'bronze.raw_customers_cdc_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_customers_cdc_rows', 'bronze.raw_customers_cdc');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_customers_cdc');

CREATE VIEW bronze.raw_customers_cdc AS
SELECT
    r._bronze_id,
    r._ingested_at,
    r._batch_no,
    (SELECT b.batch_id FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _batch_id,
    (SELECT b.source_system FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_system,
    (SELECT b.source_file FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS _source_file,
    r._cdc_operation,
    r._cdc_timestamp,
    r._cdc_lsn,
    r._cdc_table,
    r.id,
    r.email,
    r.name,
    r.status,
    r._extra,
    r._raw_payload,
    r.before_data,
    r.after_data
FROM bronze.raw_customers_cdc_rows AS r;
COMMENT ON VIEW bronze.raw_customers_cdc IS 'Customers before and after each change in the CRM''s database.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (_cdc_operation, _cdc_timestamp, _cdc_lsn, _cdc_table, id, email, name, status, _extra, _raw_payload, before_data, after_data) ON bronze.raw_customers_cdc');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (_cdc_operation, _cdc_timestamp, _cdc_lsn, _cdc_table, id, email, name, status, _extra, _raw_payload, before_data, after_data) ON bronze.raw_customers_cdc_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('customers_cdc', 'bronze.raw_customers_cdc', 'declared')
ON CONFLICT DO NOTHING;
-- Makes rows of bronze.raw_customers_cdc of the records in pg_temp.arriving (record_no, line_no, raw), in their
-- order, for the batch that this transaction has begun; keeps what is no record as it stands. Gives the numbers
-- of both.
CREATE OR REPLACE PROCEDURE dwh_etl.land_bronze_raw_customers_cdc(in_batch_no bigint, INOUT io_rows bigint, INOUT io_unreadable bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)
    SELECT in_batch_no, j.record_no, j.line_no, convert_to(j.raw, 'UTF8'), j.reason
    FROM (SELECT a.*, dwh_etl.cdc_fault(a.raw, ARRAY[]::text[]) AS reason FROM pg_temp.arriving AS a OFFSET 0) AS j
    WHERE j.reason IS NOT NULL;
    GET DIAGNOSTICS io_unreadable = ROW_COUNT;
    IF io_unreadable > 0 THEN
        DELETE FROM pg_temp.arriving AS a WHERE dwh_etl.cdc_fault(a.raw, ARRAY[]::text[]) IS NOT NULL;
    END IF;

    INSERT INTO bronze.raw_customers_cdc_rows (
        _cdc_operation, _cdc_timestamp, _cdc_lsn, _cdc_table, id, email, name, status, before_data, after_data, _raw_payload
    )
    SELECT
        v.event ->> 'op',
        dwh_etl.cdc_timestamp(v.event),
        dwh_etl.cdc_lsn(v.event -> 'source'),
        concat_ws('.', nullif(v.event #>> '{source,schema}', ''), coalesce(v.event #>> '{source,table}', v.event #>> '{source,collection}')),
        dwh_etl.cdc_text(v.changed #> ARRAY['id']::text[], coalesce(dwh_etl.cdc_type(v.schema, v.side, 'id') ->> 'name', NULL), coalesce((dwh_etl.cdc_type(v.schema, v.side, 'id') #>> '{parameters,scale}')::integer, NULL)),
        dwh_etl.cdc_text(v.changed #> ARRAY['email']::text[], coalesce(dwh_etl.cdc_type(v.schema, v.side, 'email') ->> 'name', NULL), coalesce((dwh_etl.cdc_type(v.schema, v.side, 'email') #>> '{parameters,scale}')::integer, NULL)),
        dwh_etl.cdc_text(v.changed #> ARRAY['name']::text[], coalesce(dwh_etl.cdc_type(v.schema, v.side, 'name') ->> 'name', NULL), coalesce((dwh_etl.cdc_type(v.schema, v.side, 'name') #>> '{parameters,scale}')::integer, NULL)),
        dwh_etl.cdc_text(v.changed #> ARRAY['status']::text[], coalesce(dwh_etl.cdc_type(v.schema, v.side, 'status') ->> 'name', NULL), coalesce((dwh_etl.cdc_type(v.schema, v.side, 'status') #>> '{parameters,scale}')::integer, NULL)),
        v.before,
        v.after,
        v.record
    FROM (
        SELECT s.*, CASE s.side WHEN 'before' THEN s.before ELSE s.after END AS changed
        FROM (
            SELECT e.*, CASE e.event ->> 'op' WHEN 'd' THEN 'before' ELSE 'after' END AS side,
                dwh_etl.cdc_row(e.event -> 'before') AS before, dwh_etl.cdc_row(e.event -> 'after') AS after
            FROM (
                SELECT r.*, dwh_etl.cdc_event(r.record, ARRAY[]::text[]) AS event, r.record #> ARRAY[]::text[] -> 'schema' AS schema
                -- OFFSET 0: each record is read once, not once for each column.
                FROM (SELECT a.record_no, a.raw::jsonb AS record FROM pg_temp.arriving AS a OFFSET 0) AS r
                OFFSET 0
            ) AS e
            OFFSET 0
        ) AS s
        OFFSET 0
    ) AS v
    ORDER BY v.record_no;
    GET DIAGNOSTICS io_rows = ROW_COUNT;
END
$routine$;
