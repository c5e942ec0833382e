-- Whether a running step has taken longer than its run allows a load, or its run longer than it may. Locks nothing.
CREATE FUNCTION dwh_lineage.step_is_over_time(in_step bigint)
RETURNS boolean
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(least(a.started_at + r.step_time_limit, r.deadline_at) <= clock_timestamp(), false)
    FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id
    LEFT JOIN dwh_lineage.step_attempts AS a ON a.step_id = s.id AND a.token = s.token
    WHERE s.id = in_step
$$;
COMMENT ON FUNCTION dwh_lineage.step_is_over_time(bigint) IS 'Whether a running step has taken longer than it may';
