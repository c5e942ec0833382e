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
     E'{"columns": [{"name": "id"}, {"name": "email"}, {"name": "name"}, {"name": "status"}, {"name": "channel"}, {"name": "city"}, {"name": "country"}, {"name": "created_date"}, {"name": "updated_date"}, {"name": "op"}], "description": "Customers as the CRM sends them.", "kind": "bronze", "layer": "bronze", "name": "raw_customers", "routines": {"ingest_customers": "-- Ingests yesterday''s customers: dwh_etl.ingest_daily_customers for whoever names no day. Takes the run''s id.\\nCREATE PROCEDURE dwh_etl.ingest_customers(in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.ingest_daily_customers(current_date - 1, in_batch_id);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.ingest_customers(uuid) IS ''Ingests yesterday''''s customers'';\\n", "ingest_customers_csv": "-- Ingests a file of customers that stands on the database''s host; see dwh_etl.ingest_csv_file, which it calls. Takes its\\n-- path, what the ledger calls the source, and the run''s id, which it gives where there is none.\\nCREATE PROCEDURE dwh_etl.ingest_customers_csv(\\n    in_file_path text, in_source text DEFAULT ''csv_import'', INOUT io_batch_id uuid DEFAULT NULL\\n)\\nLANGUAGE plpgsql\\nAS $$\\nBEGIN\\n    io_batch_id := coalesce(io_batch_id, gen_random_uuid());\\n    PERFORM dwh_etl.ingest_csv_file(''bronze.raw_customers'', in_file_path, in_source, io_batch_id);\\nEND\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.ingest_customers_csv(text, text, uuid) IS ''Ingests a file of customers'';\\n", "ingest_daily_customers": "-- Ingests the CRM''s file of a day from the folder that the setting assay.files names. Takes the day and the run''s id.\\nCREATE PROCEDURE dwh_etl.ingest_daily_customers(in_date date, in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    SELECT dwh_etl.ingest_csv_file(\\n        ''bronze.raw_customers'', to_char(in_date, ''\\"ecommerce/crm/customers_\\"YYYY-MM-DD\\".csv\\"''), ''crm_customers'', in_batch_id\\n    );\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.ingest_daily_customers(date, uuid) IS ''Ingests the customers of a day'';\\n"}, "source": {"name": "crm_customers"}}'::jsonb,
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

-- Ingests a file of customers that stands on the database's host; see dwh_etl.ingest_csv_file, which it calls. Takes its
-- path, what the ledger calls the source, and the run's id, which it gives where there is none.
CREATE PROCEDURE dwh_etl.ingest_customers_csv(
    in_file_path text, in_source text DEFAULT 'csv_import', INOUT io_batch_id uuid DEFAULT NULL
)
LANGUAGE plpgsql
AS $$
BEGIN
    io_batch_id := coalesce(io_batch_id, gen_random_uuid());
    PERFORM dwh_etl.ingest_csv_file('bronze.raw_customers', in_file_path, in_source, io_batch_id);
END
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_customers_csv(text, text, uuid) IS 'Ingests a file of customers';

-- Ingests the CRM's file of a day from the folder that the setting assay.files names. Takes the day and the run's id.
CREATE PROCEDURE dwh_etl.ingest_daily_customers(in_date date, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    SELECT dwh_etl.ingest_csv_file(
        'bronze.raw_customers', to_char(in_date, '"ecommerce/crm/customers_"YYYY-MM-DD".csv"'), 'crm_customers', in_batch_id
    );
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_daily_customers(date, uuid) IS 'Ingests the customers of a day';

-- Ingests yesterday's customers: dwh_etl.ingest_daily_customers for whoever names no day. Takes the run's id.
CREATE PROCEDURE dwh_etl.ingest_customers(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.ingest_daily_customers(current_date - 1, in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_customers(uuid) IS 'Ingests yesterday''s customers';
