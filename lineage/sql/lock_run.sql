-- Locks a run's row until the transaction ends and returns its status; a run that has a begun step is running. NULL:
-- there is no such run. Whoever changes steps of a run outside of its loads holds it, so that the last of two steps that
-- end at one moment sees the other's end. FOR NO KEY UPDATE: loads go on (their lineage refers to the run).
CREATE FUNCTION dwh_lineage.lock_run(in_run bigint)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_status text;
BEGIN
    SELECT r.status INTO l_status FROM dwh_lineage.pipeline_runs AS r WHERE r.run_id = in_run FOR NO KEY UPDATE;
    IF l_status = 'pending' THEN
        -- The worker that claimed the first step may have died before it said so.
        UPDATE dwh_lineage.pipeline_runs AS r SET status = 'running', started_at = clock_timestamp()
        WHERE r.run_id = in_run AND EXISTS (
            SELECT 1 FROM dwh_lineage.run_steps AS s WHERE s.run_id = r.run_id AND s.started_at IS NOT NULL
        )
        RETURNING r.status INTO l_status;
        RETURN coalesce(l_status, 'pending');
    END IF;
    RETURN l_status;
END
$$;
COMMENT ON FUNCTION dwh_lineage.lock_run(bigint) IS 'Locks a run''s row and returns its status';
