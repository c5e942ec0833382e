-- Cancels the queries of sessions that work at steps of a run from SQL alone; in_over_time: only those that have taken
-- longer than they may. A session of a role that we may not cancel goes on to the end of its load. Locks nothing.
CREATE FUNCTION dwh_lineage.stop_sessions(in_run bigint, in_over_time boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_pid integer;
BEGIN
    FOR l_pid IN
        SELECT l.pid
        FROM dwh_lineage.run_steps AS s
        JOIN pg_locks AS l ON l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
            AND l.classid = 1398031696 AND l.objid::bigint = s.id % 2147483647  -- as in hold_step
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
        WHERE s.run_id = in_run AND s.state = 'running' AND l.pid <> pg_backend_pid()
            AND (NOT in_over_time OR dwh_lineage.step_is_over_time(s.id))
    LOOP
        BEGIN
            PERFORM pg_cancel_backend(l_pid);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'The session % works at run % for another role; it goes on to the end of its load.',
                    l_pid, in_run;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.stop_sessions(bigint, boolean) IS 'Cancels the queries of sessions that work at a run';
