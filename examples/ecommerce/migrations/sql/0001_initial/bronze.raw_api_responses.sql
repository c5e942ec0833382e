-- Rows of bronze.raw_api_responses as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE bronze.raw_api_responses_rows (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
    id text,
    email text,
    name text,
    _extra jsonb,
    _raw_payload jsonb
) PARTITION BY RANGE (_ingested_at);
COMMENT ON TABLE bronze.raw_api_responses_rows IS 'Rows of bronze.raw_api_responses';
CREATE INDEX ON bronze.raw_api_responses_rows USING brin (_bronze_id);

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
    'bronze.raw_api_responses',
    'bronze',
    'bronze',
    'ecommerce',
    'Customers as an API answers.',
    '{"columns": [{"name": "id"}, {"name": "email"}, {"name": "name"}], "description": "Customers as an API answers.", "kind": "bronze", "layer": "bronze", "name": "raw_api_responses", "records": {"at": ["data"]}, "source": {"name": "api_responses"}}'::jsonb,
    'bronze.raw_api_responses_rows'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation;

CALL dwh_etl.guard_bronze('bronze.raw_api_responses_rows', 'bronze.raw_api_responses');
CALL dwh_etl.ensure_bronze_partitions('bronze.raw_api_responses');

CREATE VIEW bronze.raw_api_responses AS
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
    r._extra,
    r._raw_payload
FROM bronze.raw_api_responses_rows AS r;
COMMENT ON VIEW bronze.raw_api_responses IS 'Customers as an API answers.';

SELECT dwh_lineage.grant_to('etl_service', 'INSERT (id, email, name, _extra, _raw_payload) ON bronze.raw_api_responses');
SELECT dwh_lineage.grant_to('etl_service', 'INSERT (id, email, name, _extra, _raw_payload) ON bronze.raw_api_responses_rows');
INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
VALUES ('api_responses', 'bronze.raw_api_responses', 'declared')
ON CONFLICT DO NOTHING;
-- Makes rows of bronze.raw_api_responses of the records in pg_temp.arriving (record_no, line_no, raw), in their
-- order, for the batch that this transaction has begun; keeps what is no record as it stands. Gives the numbers
-- of both.
CREATE OR REPLACE PROCEDURE dwh_etl.land_bronze_raw_api_responses(in_batch_no bigint, INOUT io_rows bigint, INOUT io_unreadable bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    INSERT INTO dwh_lineage.unreadable_lines (batch_no, record_no, line_no, raw, reason)
    SELECT in_batch_no, j.record_no, j.line_no, convert_to(j.raw, 'UTF8'), j.reason
    FROM (SELECT a.*, dwh_etl.json_fault(a.raw, NULL) AS reason FROM pg_temp.arriving AS a OFFSET 0) AS j
    WHERE j.reason IS NOT NULL;
    GET DIAGNOSTICS io_unreadable = ROW_COUNT;
    IF io_unreadable > 0 THEN
        DELETE FROM pg_temp.arriving AS a WHERE dwh_etl.json_fault(a.raw, NULL) IS NOT NULL;
    END IF;

    INSERT INTO bronze.raw_api_responses_rows (id, email, name, _raw_payload)
    SELECT
        e.item #>> ARRAY['id']::text[],
        e.item #>> ARRAY['email']::text[],
        e.item #>> ARRAY['name']::text[],
        e.item
    -- OFFSET 0: each record is read once, not once for each column.
    FROM (SELECT a.record_no, a.raw::jsonb AS record FROM pg_temp.arriving AS a OFFSET 0) AS r
    CROSS JOIN LATERAL (SELECT r.record AS item, 1 AS position) AS e
    ORDER BY r.record_no, e.position;
    GET DIAGNOSTICS io_rows = ROW_COUNT;
END
$routine$;
