-- Writes the counts of a batch and lets it wait for each consumer of its table. Nothing waits for a batch that changed
-- nothing. Takes the batch's number and its counts; to be called in the transaction that opened it.
CREATE FUNCTION dwh_lineage.close_batch(
    in_batch_no bigint,
    in_read bigint,
    in_inserted bigint,
    in_updated bigint DEFAULT 0,
    in_deleted bigint DEFAULT 0,
    in_unchanged bigint DEFAULT 0,
    in_rejected bigint DEFAULT 0
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target text;
BEGIN
    UPDATE dwh_lineage.batches
    SET rows_read = in_read,
        rows_inserted = in_inserted,
        rows_updated = in_updated,
        rows_deleted = in_deleted,
        rows_unchanged = in_unchanged,
        rows_rejected = in_rejected,
        completed_at = clock_timestamp()
    WHERE batch_no = in_batch_no AND opened_in = pg_current_xact_id()::text::bigint
    RETURNING target INTO l_target;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Batch % was not opened in this transaction.', in_batch_no
            USING ERRCODE = 'AS012', HINT = 'A batch is opened, written and closed in one transaction.';
    END IF;
    -- NULL: another program wrote it, and nobody has counted.
    IF in_inserted IS NULL OR in_inserted + in_updated + in_deleted > 0 THEN
        INSERT INTO dwh_lineage.pendings (consumer, batch_no)
        SELECT i.consumer, in_batch_no FROM dwh_lineage.target_inputs AS i WHERE i.source = l_target
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.close_batch(bigint, bigint, bigint, bigint, bigint, bigint, bigint)
    IS 'Writes the counts of a batch and lets it wait for the consumers of its table';
