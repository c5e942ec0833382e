-- Ends a run: completed, failed or cancelled. To be called outside the transaction of the work, so that the record of a
-- failure does not roll back with it. Locks the run's row.
CREATE PROCEDURE dwh_lineage.complete_pipeline(
    in_batch_id uuid,
    in_status text DEFAULT 'completed',
    in_error_message text DEFAULT NULL,
    in_metrics jsonb DEFAULT '{}'
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF in_status IS NULL OR in_status NOT IN ('completed', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'A run ends completed, failed or cancelled, not %.', coalesce(in_status, 'NULL')
            USING ERRCODE = 'AS020';
    END IF;
    UPDATE dwh_lineage.pipeline_runs
    SET status = in_status,
        completed_at = clock_timestamp(),
        error_message = in_error_message,
        metrics = coalesce(in_metrics, '{}')
    WHERE batch_id = in_batch_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no run %.', in_batch_id
            USING ERRCODE = 'AS021', HINT = 'dwh_lineage.start_pipeline returns the id to give here.';
    END IF;
END
$$;
COMMENT ON PROCEDURE dwh_lineage.complete_pipeline(uuid, text, text, jsonb) IS 'Ends a run';
