-- Ends an ingestion: counts, consumers, lineage. in_rejected: lines that are not rows, kept in unreadable_lines.
-- in_checksum: of the file, where begin_ingestion was not told it. Raises AS011 where it has been ingested before.
-- SECURITY DEFINER: as begin_ingestion.
CREATE FUNCTION dwh_etl.finish_ingestion(
    in_batch_no bigint, in_row_count bigint, in_rejected bigint DEFAULT 0, in_checksum text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_batch record;
BEGIN
    SELECT b.*, t.rows_relation INTO STRICT l_batch
    FROM dwh_lineage.batches AS b
    JOIN dwh_lineage.targets AS t ON t.target = b.target
    WHERE b.batch_no = in_batch_no;
    BEGIN
        UPDATE dwh_lineage.batches
        SET last_bronze_id = currval(pg_get_serial_sequence(l_batch.rows_relation, '_bronze_id')::regclass),
            source_checksum = coalesce(in_checksum, source_checksum)
        WHERE batch_no = in_batch_no;
    EXCEPTION
        WHEN unique_violation THEN
            RAISE EXCEPTION 'The file % has been ingested into % before.', l_batch.source_file, l_batch.target
                USING ERRCODE = 'AS011', DETAIL = format('Its checksum is %s.', in_checksum),
                      HINT = 'Nothing is to be done: its rows are there. A changed file has another checksum.';
    END;
    PERFORM dwh_lineage.close_batch(in_batch_no, in_row_count + in_rejected, in_row_count, in_rejected => in_rejected);
    INSERT INTO dwh_lineage.table_lineage (
        run_id, batch_id, batch_no, source_table, target_table, operation,
        rows_read, rows_inserted, rows_rejected, started_at, completed_at
    ) VALUES (
        (SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r WHERE r.batch_id = l_batch.batch_id),
        coalesce(l_batch.batch_id, gen_random_uuid()), in_batch_no, l_batch.source_system, l_batch.target, 'ingest',
        in_row_count + in_rejected, in_row_count, in_rejected, transaction_timestamp(), clock_timestamp()
    );
    PERFORM set_config('assay.batch_no', '', true);
END
$$;
COMMENT ON FUNCTION dwh_etl.finish_ingestion(bigint, bigint, bigint, text) IS 'Ends an ingestion';
