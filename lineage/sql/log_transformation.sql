-- Draws the edge of a transformation, for routines written by hand, and notes the dependency between the tables.
-- A run that in_batch_id names is found by itself. Locks nothing.
CREATE FUNCTION dwh_lineage.log_transformation(
    in_source_table text,
    in_target_table text,
    in_batch_id uuid,
    in_rows_inserted bigint DEFAULT 0,
    in_rows_updated bigint DEFAULT 0,
    in_rows_unchanged bigint DEFAULT 0,
    in_rows_rejected bigint DEFAULT 0
)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table)
    VALUES (in_source_table, in_target_table)
    ON CONFLICT (upstream_table, downstream_table) DO NOTHING;

    INSERT INTO dwh_lineage.table_lineage (
        run_id, batch_id, source_table, target_table, operation,
        rows_read, rows_inserted, rows_updated, rows_unchanged, rows_rejected, started_at, completed_at
    )
    VALUES (
        (SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r WHERE r.batch_id = in_batch_id),
        in_batch_id, in_source_table, in_target_table, 'transform',
        in_rows_inserted + in_rows_updated + in_rows_unchanged + in_rows_rejected,
        in_rows_inserted, in_rows_updated, in_rows_unchanged, in_rows_rejected,
        transaction_timestamp(), clock_timestamp()
    )
    RETURNING lineage_id
$$;
COMMENT ON FUNCTION dwh_lineage.log_transformation(text, text, uuid, bigint, bigint, bigint, bigint)
    IS 'Draws the edge of a transformation';
