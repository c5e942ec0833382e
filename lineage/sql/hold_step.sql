-- Shows that this transaction works at the step in_step, until it ends. For runs from SQL alone, which have no heartbeat:
-- the lock is their lease, and goes with whatever ends the transaction. Waits where a zombie still has it.
CREATE FUNCTION dwh_lineage.hold_step(in_step bigint)
RETURNS void
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT pg_advisory_xact_lock(1398031696, (in_step % 2147483647)::integer)  -- "STEP"
$$;
COMMENT ON FUNCTION dwh_lineage.hold_step(bigint) IS 'Shows that this transaction works at a step';
