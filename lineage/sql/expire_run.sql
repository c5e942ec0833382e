-- Stops a run that has reached its time limit: what waits is cancelled and says why, and the run fails. A load that a
-- worker runs meets its statement_timeout at the same moment; one that a session runs is cancelled here, as is one that
-- takes longer than the run's loads may. Called by the sweeper and by work_at_run. Locks the run and its steps.
CREATE FUNCTION dwh_lineage.expire_run(in_run bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF dwh_lineage.lock_run(in_run) NOT IN ('pending', 'running', 'cancelling') THEN
        RETURN;
    END IF;
    PERFORM dwh_lineage.stop_sessions(in_run, in_over_time => true);
    UPDATE dwh_lineage.run_steps AS s
    SET state = 'cancelled', ended_at = clock_timestamp(), error_sqlstate = '57014',
        error_message = format('The run reached its time limit of %s.', r.time_limit),
        error_hint = 'Make its loads faster, or the pipeline''s time_limit longer; then resume the run.'
    FROM dwh_lineage.pipeline_runs AS r
    WHERE r.run_id = in_run AND r.deadline_at <= clock_timestamp()
        AND s.run_id = in_run AND s.state IN ('blocked', 'queued', 'retrying');
    IF FOUND THEN
        PERFORM dwh_lineage.settle_run(in_run);
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.expire_run(bigint) IS 'Stops a run that has reached its time limit';
