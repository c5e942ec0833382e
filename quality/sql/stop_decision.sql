-- Ends a decision before its time: a proposed one is withdrawn, a queued one is cancelled. Rows that have no outcome yet
-- are open again; what has landed stays, and can be undone. in_by is noted. AS068 where there is nothing to stop.
-- Waits for the chunk that is under way. Locks the decision and its exceptions.
CREATE FUNCTION dwh_lineage.stop_decision(in_decision bigint, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_state text;
BEGIN
    PERFORM dwh_lineage.user_named(in_by);
    SELECT d.state INTO l_state FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision FOR UPDATE;
    IF l_state IS NULL OR l_state NOT IN ('proposed', 'queued') THEN
        RAISE EXCEPTION 'Decision % cannot be stopped: it is %.', in_decision, coalesce(l_state, 'not there')
            USING ERRCODE = 'AS068', HINT = 'What is done can be undone.';
    END IF;
    PERFORM dwh_lineage.move_decided(in_decision, l_state, 'open');
    UPDATE dwh_lineage.decision_rows SET outcome = 'cancelled' WHERE decision_id = in_decision AND outcome IS NULL;
    UPDATE dwh_lineage.quality_decisions
    SET state = CASE l_state WHEN 'proposed' THEN 'withdrawn' ELSE 'cancelled' END, finished_at = clock_timestamp(),
        reason = concat_ws(E'\n', nullif(reason, ''), format('Stopped by %s.', in_by))
    WHERE id = in_decision;
END
$$;
COMMENT ON FUNCTION dwh_lineage.stop_decision(bigint, text) IS 'Withdraws a proposed decision, or cancels a queued one';
