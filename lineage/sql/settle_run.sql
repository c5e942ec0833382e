-- What follows from the states of a run's steps: blocked steps are queued when all that they need is done, and
-- upstream_failed when something they need will not come; a run none of whose steps is live ends, with its rows and
-- seconds as metrics. Returns the steps that are due now. in_after: only this table's step has ended, and well.
-- Call it under lock_run. Locks the steps that it changes.
CREATE FUNCTION dwh_lineage.settle_run(in_run bigint, in_after text DEFAULT NULL)
RETURNS bigint[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_due bigint[] := '{}';
    l_queued bigint[];
    l_in_vain boolean;
BEGIN
    LOOP
        WITH changed AS (
            UPDATE dwh_lineage.run_steps AS s
            SET state = verdict.state, due_at = clock_timestamp(),
                ended_at = CASE WHEN verdict.state = 'upstream_failed' THEN clock_timestamp() END
            FROM (
                SELECT b.id,
                       CASE
                           WHEN bool_or(n.state IN ('failed', 'upstream_failed', 'cancelled')) THEN 'upstream_failed'
                           WHEN coalesce(bool_and(n.state IN ('succeeded', 'skipped')), true) THEN 'queued'
                       END AS state
                FROM dwh_lineage.run_steps AS b
                LEFT JOIN dwh_lineage.run_steps AS n ON n.run_id = b.run_id AND n.target = ANY (b.needs)
                WHERE b.run_id = in_run AND b.state = 'blocked' AND (in_after IS NULL OR b.needs @> ARRAY[in_after])
                GROUP BY b.id
            ) AS verdict
            WHERE s.id = verdict.id AND verdict.state IS NOT NULL AND s.state = 'blocked'
            RETURNING s.id, s.state
        )
        SELECT coalesce(array_agg(c.id) FILTER (WHERE c.state = 'queued'), '{}'),
               coalesce(bool_or(c.state <> 'queued'), false)
        INTO l_queued, l_in_vain
        FROM changed AS c;
        l_due := l_due || l_queued;
        EXIT WHEN NOT l_in_vain;  -- what waits for those that wait in vain comes next
    END LOOP;
    IF l_due = '{}' THEN
        PERFORM dwh_lineage.finish_run(in_run);
    END IF;
    RETURN l_due;
END
$$;
COMMENT ON FUNCTION dwh_lineage.settle_run(bigint, text) IS 'What follows from the states of a run''s steps';
