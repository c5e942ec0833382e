-- Approves a proposed decision: its rows are queued for replay. in_by: another person than its author, with the permission to
-- approve for the table. AS068 where it is not proposed any more, or the author approves; AS086 and AS087 as
-- require. Locks the decision and its exceptions.
CREATE FUNCTION dwh_lineage.approve(in_decision bigint, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_approver bigint;
    l_decision record;
BEGIN
    SELECT d.state, d.author_id, d.target INTO l_decision
    FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision FOR UPDATE;
    IF NOT FOUND OR l_decision.state <> 'proposed' THEN
        RAISE EXCEPTION 'Decision % does not wait for approval: it is %.', in_decision, coalesce(l_decision.state, 'not there')
            USING ERRCODE = 'AS068', HINT = 'Look at the page again.';
    END IF;
    l_approver := dwh_lineage.require(in_by, ARRAY['quality.approve'], l_decision.target);
    IF l_decision.author_id = l_approver THEN
        RAISE EXCEPTION 'Decision % is your own: another person has to approve it.', in_decision
            USING ERRCODE = 'AS068', HINT = 'Ask somebody with the permission to approve.';
    END IF;
    PERFORM set_config('assay.changes_states', 'on', true);
    UPDATE dwh_lineage.quality_decisions
    SET state = 'queued', approver_id = l_approver, progressed_at = clock_timestamp()
    WHERE id = in_decision;
    PERFORM set_config('assay.changes_states', '', true);
    PERFORM dwh_lineage.move_decided(in_decision, 'proposed', 'queued');
END
$$;
COMMENT ON FUNCTION dwh_lineage.approve(bigint, text) IS 'Approves a proposed decision';
