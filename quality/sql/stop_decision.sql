-- Ends a decision before its time: a proposed one is withdrawn, a queued one is cancelled. Rows that have no outcome yet
-- are open again; what has landed stays, and can be undone. in_by is noted: its author, or
-- who may decide for the table. AS068 where there is nothing to stop; AS086 and AS087 as require. Waits for the chunk that is under way. Locks the decision and its exceptions.
CREATE FUNCTION dwh_lineage.stop_decision(in_decision bigint, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_state text;
    l_author bigint;
    l_target text;
BEGIN
    SELECT d.state, d.author_id, d.target INTO l_state, l_author, l_target
    FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision FOR UPDATE;
    IF l_state IS NULL OR l_state NOT IN ('proposed', 'queued') THEN
        RAISE EXCEPTION 'Decision % cannot be stopped: it is %.', in_decision, coalesce(l_state, 'not there')
            USING ERRCODE = 'AS068', HINT = 'What is done can be undone.';
    END IF;
    IF dwh_lineage.acting_user(in_by) <> l_author THEN
        PERFORM dwh_lineage.require(in_by, ARRAY['quality.decide'], l_target);
    END IF;
    PERFORM dwh_lineage.move_decided(in_decision, l_state, 'open');
    UPDATE dwh_lineage.decision_rows SET outcome = 'cancelled' WHERE decision_id = in_decision AND outcome IS NULL;
    PERFORM set_config('assay.changes_states', 'on', true);
    UPDATE dwh_lineage.quality_decisions
    SET state = CASE l_state WHEN 'proposed' THEN 'withdrawn' ELSE 'cancelled' END, finished_at = clock_timestamp(),
        reason = concat_ws(E'\n', nullif(reason, ''), format('Stopped by %s.', in_by))
    WHERE id = in_decision;
    PERFORM set_config('assay.changes_states', '', true);
END
$$;
COMMENT ON FUNCTION dwh_lineage.stop_decision(bigint, text) IS 'Withdraws a proposed decision, or cancels a queued one';
