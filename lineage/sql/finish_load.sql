-- Ends a load: writes its counts to the ledger, lets its batch wait for its consumers, and draws one edge in
-- table_lineage for each source, with the fingerprint of the code that ran, and in_notes. in_read maps each source table to
-- the rows that were read from it.
CREATE FUNCTION dwh_lineage.finish_load(
    in_load_batch bigint,
    in_operation text,
    in_read jsonb,
    in_inserted bigint,
    in_updated bigint DEFAULT 0,
    in_deleted bigint DEFAULT 0,
    in_unchanged bigint DEFAULT 0,
    in_rejected bigint DEFAULT 0,
    in_notes text DEFAULT NULL
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_read bigint := (SELECT sum(e.value::bigint) FROM jsonb_each_text(in_read) AS e);
    l_code text := (
        SELECT dwh_lineage.note_code(b.target, b.kind) FROM dwh_lineage.batches AS b WHERE b.batch_no = in_load_batch
    );
BEGIN
    PERFORM dwh_lineage.close_batch(
        in_load_batch, l_read, in_inserted, in_updated, in_deleted, in_unchanged, in_rejected
    );
    INSERT INTO dwh_lineage.table_lineage (
        run_id, batch_id, batch_no, source_table, target_table, operation,
        rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, rows_rejected, started_at, completed_at,
        sql_hash, notes
    )
    SELECT
        r.run_id, coalesce(b.batch_id, gen_random_uuid()), b.batch_no, e.key, b.target, in_operation,
        e.value::bigint, in_inserted, in_updated, in_deleted, in_unchanged, in_rejected,
        transaction_timestamp(), clock_timestamp(), l_code, in_notes
    FROM dwh_lineage.batches AS b
    LEFT JOIN dwh_lineage.pipeline_runs AS r ON r.batch_id = b.batch_id
    CROSS JOIN jsonb_each_text(in_read) AS e
    WHERE b.batch_no = in_load_batch;
END
$$;
COMMENT ON FUNCTION dwh_lineage.finish_load(bigint, text, jsonb, bigint, bigint, bigint, bigint, bigint, text)
    IS 'Ends a load: counts, consumers, lineage';
