-- Whether a transaction is at work at the step in_step this moment: it holds the advisory lock of hold_step. Exact, and
-- for anybody to see; a pid would not do, for a session outlives the work that it gave up. A loser of the last step
-- among 2³¹ shares its lock with it and waits for nothing worse than that. Locks nothing.
CREATE FUNCTION dwh_lineage.step_is_held(in_step bigint)
RETURNS boolean
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT 1 FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
            AND l.classid = 1398031696 AND l.objid::bigint = in_step % 2147483647
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    )
$$;
COMMENT ON FUNCTION dwh_lineage.step_is_held(bigint) IS 'Whether a transaction is at work at a step';
