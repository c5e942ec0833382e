-- Draws the edge of an aggregation, for routines written by hand. Counts that are not given stay unknown (NULL): a
-- zero would say that nothing was written. Locks nothing.
CREATE FUNCTION dwh_lineage.log_aggregation(
    in_source_table text,
    in_target_table text,
    in_batch_id uuid,
    in_rows_read bigint DEFAULT NULL,
    in_rows_written bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table)
    VALUES (in_source_table, in_target_table)
    ON CONFLICT (upstream_table, downstream_table) DO NOTHING;

    INSERT INTO dwh_lineage.table_lineage (
        run_id, batch_id, source_table, target_table, operation, rows_read, rows_inserted, started_at, completed_at
    )
    VALUES (
        (SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r WHERE r.batch_id = in_batch_id),
        in_batch_id, in_source_table, in_target_table, 'aggregate', in_rows_read, in_rows_written,
        transaction_timestamp(), clock_timestamp()
    )
    RETURNING lineage_id
$$;
COMMENT ON FUNCTION dwh_lineage.log_aggregation(text, text, uuid, bigint, bigint) IS 'Draws the edge of an aggregation';
