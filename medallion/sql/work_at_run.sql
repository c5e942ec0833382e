-- Works at a run's steps in this session until the run has ended; workers may take part. Called by run_pipeline.
-- Each step is three transactions: the claim; the load with its success, in REPEATABLE READ and as etl_service; the end.
-- There is no heartbeat: while the load lasts, its transaction holds the step (hold_step). A cancelled query, Ctrl-C or a
-- statement_timeout, means the whole CALL, so it cancels the run; unless the step is over its time, which fails it.
CREATE PROCEDURE dwh_etl.work_at_run(in_run bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    l_worker text := format('%s:%s', coalesce(nullif(current_setting('application_name'), ''), 'sql'), pg_backend_pid());
    l_step bigint;
    l_claim record;
    l_claimed boolean;
    l_run dwh_lineage.pipeline_runs;
BEGIN
    LOOP
        COMMIT;  -- right before it: once an expression has been planned, no level can be chosen any more
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        l_claimed := false;
        FOREACH l_step IN ARRAY ARRAY(
            SELECT s.id FROM dwh_lineage.run_steps AS s
            WHERE s.run_id = in_run AND s.state IN ('queued', 'retrying', 'running')
            ORDER BY s.position
        ) LOOP
            SELECT c.* INTO l_claim FROM dwh_lineage.claim_step(l_step, l_worker) AS c;
            l_claimed := FOUND;
            COMMIT;
            EXIT WHEN l_claimed;
        END LOOP;
        IF NOT l_claimed THEN
            PERFORM dwh_lineage.expire_run(in_run);
            SELECT r.* INTO l_run FROM dwh_lineage.pipeline_runs AS r WHERE r.run_id = in_run;
            EXIT WHEN l_run.status NOT IN ('pending', 'running', 'cancelling');
            COMMIT;
            PERFORM pg_sleep(0.2);  -- a step waits for its next try or for a slot, or a worker has it
            CONTINUE;
        END IF;
        CALL dwh_etl.work_at_step(l_claim.step_id, l_claim.token, l_claim.batch_id, l_claim.target, l_claim.routine);
    END LOOP;
    IF l_run.status = 'completed' THEN
        RAISE NOTICE 'Run % of % completed: % rows inserted, % updated, % s.', in_run, l_run.pipeline_name,
            l_run.metrics ->> 'rows_inserted', l_run.metrics ->> 'rows_updated', l_run.metrics ->> 'seconds';
        RETURN;
    END IF;
    COMMIT;
    RAISE EXCEPTION 'Run % of % %.', in_run, l_run.pipeline_name,
        CASE l_run.status WHEN 'failed' THEN 'failed' ELSE 'was cancelled' END
        USING ERRCODE = 'AS025',
              DETAIL = coalesce((
                  SELECT string_agg(format('%s: %s', s.target, s.error_message), E'\n' ORDER BY s.position)
                  FROM dwh_lineage.run_steps AS s WHERE s.run_id = in_run AND s.error_message IS NOT NULL
              ), 'No step says why.'),
              HINT = 'What had succeeded stays. Repair the cause, then call it again.';
END
$$;
COMMENT ON PROCEDURE dwh_etl.work_at_run(bigint) IS 'Works at a run''s steps in this session';
