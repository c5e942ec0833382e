-- Records how the claim in_token of a step ended, after its load was committed or rolled back: in_outcome is succeeded,
-- failed, cancelled, interrupted (its process was told to stop; nothing is wrong with the step) or fenced. A failure that
-- may be tried again lets the step wait for its next attempt. Then the run is settled.
-- in_notices: what the database said meanwhile, kept with the attempt.
-- ended_as: the outcome that counts. Where the step is no longer this claim's, the truth is read: the COMMIT whose answer
-- got lost went through, or another has it. due_steps: what may be claimed now. waiting_step: one that waits for the
-- slot in a pool that has become free.
-- Locks the run, then the step: where a COMMIT of a lost backend is still on its way, this waits for that backend.
CREATE FUNCTION dwh_lineage.end_step(
    in_step bigint,
    in_token bigint,
    in_outcome text,
    in_sqlstate text DEFAULT NULL,
    in_message text DEFAULT NULL,
    in_hint text DEFAULT NULL,
    in_notices jsonb DEFAULT '[]',
    OUT ended_as text,
    OUT due_steps bigint[],
    OUT waiting_step bigint
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_run bigint;
    l_target text;
    l_failures integer;
    l_run_status text;
    l_state text := in_outcome;
    l_pause double precision := 0;
BEGIN
    SELECT s.run_id, s.target, s.failures INTO l_run, l_target, l_failures
    FROM dwh_lineage.run_steps AS s WHERE s.id = in_step;
    l_run_status := dwh_lineage.lock_run(l_run);
    ended_as := in_outcome;
    IF in_outcome IN ('failed', 'cancelled', 'interrupted') THEN
        IF in_outcome = 'failed' THEN
            l_pause := dwh_lineage.seconds_until_retry(in_sqlstate, l_failures);
        END IF;
        IF in_outcome = 'interrupted' OR (in_outcome = 'failed' AND l_pause IS NOT NULL) THEN
            l_state := CASE l_run_status WHEN 'cancelling' THEN 'cancelled' ELSE 'retrying' END;
        END IF;
        UPDATE dwh_lineage.run_steps AS s
        SET state = l_state, failures = s.failures + (in_outcome = 'failed')::integer,
            due_at = clock_timestamp() + make_interval(secs => coalesce(l_pause, 0)),
            ended_at = CASE WHEN l_state <> 'retrying' THEN clock_timestamp() END,
            error_sqlstate = in_sqlstate, error_message = coalesce(in_message, 'It was cancelled.'), error_hint = in_hint
        WHERE s.id = in_step AND s.token = in_token AND s.state = 'running';
        IF NOT FOUND THEN
            SELECT CASE WHEN s.token = in_token AND s.state = 'succeeded' THEN 'succeeded' ELSE 'fenced' END
            INTO ended_as
            FROM dwh_lineage.run_steps AS s WHERE s.id = in_step;
        END IF;
    END IF;
    DELETE FROM dwh_lineage.step_leases AS l WHERE l.step_id = in_step AND l.token = in_token;
    UPDATE dwh_lineage.step_attempts AS a
    SET outcome = CASE ended_as WHEN 'interrupted' THEN 'lost' ELSE ended_as END, ended_at = clock_timestamp(),
        sqlstate = CASE ended_as WHEN in_outcome THEN in_sqlstate END,
        message = CASE ended_as WHEN in_outcome THEN in_message END,
        hint = CASE ended_as WHEN in_outcome THEN in_hint END,
        notices = in_notices
    WHERE a.step_id = in_step AND a.token = in_token AND a.outcome IS NULL;
    -- Backfills after what is live. Uses index run_steps_due_idx
    SELECT w.id INTO waiting_step
    FROM dwh_lineage.targets AS mine
    JOIN dwh_lineage.targets AS t ON t.pool = mine.pool
    JOIN dwh_lineage.run_steps AS w ON w.target = t.target AND w.state IN ('queued', 'retrying')
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = w.run_id AND r.status IN ('pending', 'running')
    WHERE mine.target = l_target AND w.id <> in_step AND (w.state = 'queued' OR w.due_at <= clock_timestamp())
    ORDER BY r.backfill_id IS NOT NULL, w.due_at
    LIMIT 1;
    due_steps := dwh_lineage.settle_run(l_run, CASE ended_as WHEN 'succeeded' THEN l_target END);
END
$$;
COMMENT ON FUNCTION dwh_lineage.end_step(bigint, bigint, text, text, text, text, jsonb) IS 'Records how a claim of a step ended';
