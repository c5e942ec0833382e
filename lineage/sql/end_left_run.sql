-- Ends a run that SQL alone began, where its session is gone and nobody took it up: no transaction is at work at a step
-- of it, and for 30 seconds nothing has happened. Its running steps have lost their worker; what had succeeded stays.
-- Where workers are, they have carried the run on long before. Locks the run and its steps.
CREATE FUNCTION dwh_lineage.end_left_run(in_run bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM dwh_lineage.lock_run(in_run);
    PERFORM 1
    FROM dwh_lineage.pipeline_runs AS r
    JOIN dwh_lineage.run_steps AS s ON s.run_id = r.run_id
    LEFT JOIN dwh_lineage.step_leases AS l ON l.step_id = s.id
    WHERE r.run_id = in_run AND r.trigger = 'sql' AND r.status IN ('running', 'cancelling')
    HAVING max(greatest(s.due_at, s.started_at, s.ended_at, l.until)) < clock_timestamp() - interval '30 seconds'
        AND NOT bool_or(s.state = 'running' AND dwh_lineage.step_is_held(s.id));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE dwh_lineage.step_attempts AS a
    SET outcome = 'lost', ended_at = clock_timestamp(), message = 'Its session ended.'
    FROM dwh_lineage.run_steps AS s
    WHERE s.run_id = in_run AND s.state = 'running' AND a.step_id = s.id AND a.outcome IS NULL;
    DELETE FROM dwh_lineage.step_leases AS l
    USING dwh_lineage.run_steps AS s WHERE s.run_id = in_run AND l.step_id = s.id;
    UPDATE dwh_lineage.run_steps AS s
    SET state = CASE s.state WHEN 'running' THEN 'failed' ELSE 'cancelled' END,
        lost = s.lost + (s.state = 'running')::integer, ended_at = clock_timestamp(),
        error_sqlstate = NULL,
        error_message = CASE s.state WHEN 'running' THEN 'Its session ended.' ELSE 'The session of its run ended.' END,
        error_hint = 'Look at the server''s log; what had succeeded stays.'
    WHERE s.run_id = in_run AND s.state IN ('running', 'queued', 'retrying');
    PERFORM dwh_lineage.settle_run(in_run);
END
$$;
COMMENT ON FUNCTION dwh_lineage.end_left_run(bigint) IS 'Ends a run that its session left behind';
