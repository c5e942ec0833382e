-- Cancels a run: what waits at once, what a worker runs within a heartbeat (8 s), what a session runs at once where we
-- may cancel its query, else when its load ends. Finished loads stay. Returns the run's status before; where it had
-- ended, nothing is changed. NULL: there is no such run. A second call changes nothing.
-- Locks the run, then its steps, then their leases: a step that is claimed in between has its lease by then.
CREATE FUNCTION dwh_lineage.cancel_run(in_run bigint)
RETURNS text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_status text := dwh_lineage.lock_run(in_run);
BEGIN
    IF l_status IS NULL OR l_status NOT IN ('pending', 'running', 'cancelling') THEN
        RETURN l_status;
    END IF;
    UPDATE dwh_lineage.pipeline_runs AS r SET status = 'running' WHERE r.run_id = in_run AND r.status = 'pending';
    UPDATE dwh_lineage.pipeline_runs AS r SET status = 'cancelling' WHERE r.run_id = in_run AND r.status = 'running';
    UPDATE dwh_lineage.run_steps AS s SET state = 'cancelled', ended_at = clock_timestamp()
    WHERE s.run_id = in_run AND s.state IN ('blocked', 'queued', 'retrying');
    -- A worker that lives sees the flag before this lease ends; of one that does not, nobody waits for more.
    UPDATE dwh_lineage.step_leases AS l
    SET cancel_requested = true, until = least(l.until, clock_timestamp() + interval '8 seconds')
    FROM dwh_lineage.run_steps AS s WHERE s.id = l.step_id AND s.run_id = in_run AND s.state = 'running';
    PERFORM dwh_lineage.stop_sessions(in_run, in_over_time => false);
    PERFORM dwh_lineage.settle_run(in_run);
    RETURN l_status;
END
$$;
COMMENT ON FUNCTION dwh_lineage.cancel_run(bigint) IS 'Cancels a run';
