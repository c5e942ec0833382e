-- Claims a step that is due, or whose lease has ended while nobody is at work at it; no row: somebody else has it, or
-- there is nothing to do, or the pool of its table has no free slot, or the run's time is over. Takes the step, the
-- worker's name, how long the lease holds, and how often a step may lose its worker (a step that kills its workers must
-- stop). time_limit: how long the load may take; NULL: as long as any. Commit it before any work.
-- Locks the pool; the step, skipping one that is locked; its lease and its attempts. It takes no run's row: others lock
-- the run before its steps. Two claims in one transaction could wait for each other's pools.
CREATE FUNCTION dwh_lineage.claim_step(
    in_step bigint,
    in_worker text,
    in_lease interval DEFAULT '30 seconds',
    in_max_lost integer DEFAULT 3
)
RETURNS TABLE (
    step_id bigint, token bigint, run_id bigint, batch_id uuid, target text, routine text, rebuild boolean,
    run_status text, time_limit interval
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l_pool dwh_lineage.pools;
BEGIN
    -- The pool's row first: who comes second counts the first one's lease, with a new snapshot.
    SELECT p.* INTO l_pool
    FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.targets AS t ON t.target = s.target
    JOIN dwh_lineage.pools AS p ON p.name = t.pool
    WHERE s.id = in_step
    FOR NO KEY UPDATE OF p;
    IF FOUND AND l_pool.slots <= (
        SELECT count(*)
        FROM dwh_lineage.step_leases AS l
        JOIN dwh_lineage.run_steps AS s ON s.id = l.step_id AND s.state = 'running' AND s.id <> in_step
        JOIN dwh_lineage.targets AS t ON t.target = s.target AND t.pool = l_pool.name
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY
    -- `seen` is read without a lock; what is locked must still be as it was seen. Otherwise a second claimer, whose
    -- snapshot shows no lease yet, would find the first one's fresh claim "expired".
    WITH seen AS MATERIALIZED (
        SELECT s.id, s.state, s.token, s.run_id, r.batch_id, r.status, t.load_routine, t.rebuild_routine,
               least(r.step_time_limit, coalesce(r.deadline_at - clock_timestamp(), r.time_limit)) AS time_limit
        FROM dwh_lineage.run_steps AS s
        JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id AND r.status IN ('pending', 'running')
        LEFT JOIN dwh_lineage.targets AS t ON t.target = s.target
        LEFT JOIN dwh_lineage.step_leases AS l ON l.step_id = s.id
        WHERE s.id = in_step
            AND (r.deadline_at IS NULL OR r.deadline_at > clock_timestamp())
            AND (
                s.state = 'queued'
                OR (s.state = 'retrying' AND s.due_at <= clock_timestamp())
                OR (
                    s.state = 'running' AND l.until < clock_timestamp() AND s.lost + 1 < in_max_lost
                    AND NOT dwh_lineage.step_is_held(s.id)
                )
            )
    ), locked AS MATERIALIZED (
        SELECT s.id FROM dwh_lineage.run_steps AS s JOIN seen ON s.id = seen.id
        WHERE s.token = seen.token AND s.state = seen.state
        FOR NO KEY UPDATE OF s SKIP LOCKED
    ), claimed AS (
        UPDATE dwh_lineage.run_steps AS s
        SET state = 'running', token = s.token + 1, started_at = coalesce(s.started_at, clock_timestamp()),
            ended_at = NULL, lost = s.lost + (s.state = 'running')::integer
        FROM locked
        WHERE s.id = locked.id
        RETURNING s.id, s.token, s.target, s.rebuild
    ), taken_over AS (
        UPDATE dwh_lineage.step_attempts AS a
        SET outcome = 'lost', ended_at = clock_timestamp(),
            message = 'Its lease ended; another worker took the step over.'
        FROM claimed
        WHERE a.step_id = claimed.id AND a.token < claimed.token AND a.outcome IS NULL
    ), leased AS (
        INSERT INTO dwh_lineage.step_leases AS l (step_id, token, worker, until)
        SELECT c.id, c.token, in_worker, clock_timestamp() + in_lease FROM claimed AS c
        ON CONFLICT (step_id) DO UPDATE
        SET token = excluded.token, worker = excluded.worker, until = excluded.until,
            cancel_requested = false, progress = '{}'
    ), attempted AS (
        INSERT INTO dwh_lineage.step_attempts (step_id, token, worker)
        SELECT c.id, c.token, in_worker FROM claimed AS c
    )
    SELECT c.id, c.token, seen.run_id, seen.batch_id, c.target,
           CASE WHEN c.rebuild THEN seen.rebuild_routine ELSE seen.load_routine END, c.rebuild, seen.status, seen.time_limit
    FROM claimed AS c CROSS JOIN seen;
END
$$;
COMMENT ON FUNCTION dwh_lineage.claim_step(bigint, text, interval, integer) IS 'Claims a step: the only way to work at it';
