-- The queue of the workers that take a step: its pool's, or '' for every worker. Locks nothing.
CREATE FUNCTION dwh_lineage.queue_of(in_step bigint)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((
        SELECT p.queue
        FROM dwh_lineage.run_steps AS s
        JOIN dwh_lineage.targets AS t ON t.target = s.target
        JOIN dwh_lineage.pools AS p ON p.name = t.pool
        WHERE s.id = in_step
    ), '')
$$;
COMMENT ON FUNCTION dwh_lineage.queue_of(bigint) IS 'The queue of the workers that take a step';
