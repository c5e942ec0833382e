-- Draws the edge of an ingestion, for routines written by hand; Assay's own ingestion draws its own.
-- A run that in_batch_id names is found by itself. Locks nothing.
CREATE FUNCTION dwh_lineage.log_ingestion(
    in_table_name text,
    in_batch_id uuid,
    in_source text,
    in_row_count bigint
)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO dwh_lineage.table_lineage (
        run_id, batch_id, source_table, target_table, operation, rows_read, rows_inserted, started_at, completed_at
    )
    VALUES (
        (SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r WHERE r.batch_id = in_batch_id),
        in_batch_id, in_source, in_table_name, 'ingest', in_row_count, in_row_count,
        transaction_timestamp(), clock_timestamp()
    )
    RETURNING lineage_id
$$;
COMMENT ON FUNCTION dwh_lineage.log_ingestion(text, uuid, text, bigint) IS 'Draws the edge of an ingestion';
