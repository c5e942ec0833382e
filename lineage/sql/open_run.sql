-- Creates a run from SQL alone, with the steps that bring in_targets up to date; returns its number. It begins now.
-- in_name: the pipeline's name, of which one run may live. in_batch_id: the run's id, NULL for a new one; a run of
-- dwh_lineage.start_pipeline that has this id, and no steps yet, gets them. A run of SQL alone that was left behind
-- (its session is gone, and no worker took it up) is ended first. Locks the live run of that name, where there is one.
CREATE FUNCTION dwh_lineage.open_run(
    in_name text,
    in_targets text[],
    in_parameters jsonb DEFAULT '{}',
    in_batch_id uuid DEFAULT NULL,
    in_time_limit interval DEFAULT NULL,
    in_step_time_limit interval DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_run bigint;
    l_live bigint := (
        SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r
        WHERE r.concurrency_key = in_name AND r.status IN ('pending', 'running', 'cancelling')
    );
    l_name text;
BEGIN
    PERFORM dwh_lineage.end_left_run(l_live);
    INSERT INTO dwh_lineage.pipeline_runs AS r (
        pipeline_name, batch_id, status, started_at, trigger, requested_by, parameters, concurrency_key,
        time_limit, step_time_limit
    ) VALUES (
        in_name, coalesce(in_batch_id, gen_random_uuid()), 'running', clock_timestamp(), 'sql', session_user,
        coalesce(in_parameters, '{}'), in_name,
        in_time_limit, in_step_time_limit
    )
    ON CONFLICT (batch_id) DO UPDATE SET concurrency_key = excluded.concurrency_key
    WHERE r.status = 'running'
        AND NOT EXISTS (SELECT 1 FROM dwh_lineage.run_steps AS s WHERE s.run_id = r.run_id)
    RETURNING r.run_id INTO l_run;
    IF l_run IS NULL THEN
        RAISE EXCEPTION 'The run % has steps already, or has ended.', in_batch_id
            USING ERRCODE = 'AS026', HINT = 'Give no id: the run then gets one of its own.';
    END IF;
    INSERT INTO dwh_lineage.run_steps (run_id, target, position, needs, rebuild, state)
    SELECT l_run, p.step_target, p.step_position, p.step_needs, p.step_rebuild,
           CASE WHEN p.step_needs = '{}' THEN 'queued' ELSE 'blocked' END
    FROM dwh_lineage.plan_steps(in_targets) AS p;
    UPDATE dwh_lineage.pipeline_runs AS r
    SET code_version = dwh_lineage.code_version(
        ARRAY(SELECT s.target FROM dwh_lineage.run_steps AS s WHERE s.run_id = l_run)
    )
    WHERE r.run_id = l_run;
    RETURN l_run;
EXCEPTION
    -- The partial unique index decides, so of twenty starters at one moment one goes on.
    WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS l_name = CONSTRAINT_NAME;
        IF l_name <> 'pipeline_runs_one_live' THEN
            RAISE;
        END IF;
        SELECT r.run_id INTO l_run FROM dwh_lineage.pipeline_runs AS r
        WHERE r.concurrency_key = in_name AND r.status IN ('pending', 'running', 'cancelling');
        RAISE EXCEPTION 'The pipeline % is running already: run % has not ended.', in_name, l_run
            USING ERRCODE = 'AS023',
                  HINT = format('Wait for it, or cancel it: SELECT dwh_lineage.cancel_run(%s).', l_run);
END
$$;
COMMENT ON FUNCTION dwh_lineage.open_run(text, text[], jsonb, uuid, interval, interval)
    IS 'Creates a run from SQL alone';
