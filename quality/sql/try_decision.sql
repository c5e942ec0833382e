-- Lets a proposed decision be replayed as if somebody had approved it, for a preview: who calls it rolls back. Nothing where it
-- is queued already. Locks the decision and its exceptions.
CREATE FUNCTION dwh_lineage.try_decision(in_decision bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('assay.changes_states', 'on', true);
    UPDATE dwh_lineage.quality_decisions SET state = 'queued', needs_approval = false
    WHERE id = in_decision AND state = 'proposed';
    IF FOUND THEN
        PERFORM dwh_lineage.move_decided(in_decision, 'proposed', 'queued');
    END IF;
    PERFORM set_config('assay.changes_states', '', true);
END
$$;
COMMENT ON FUNCTION dwh_lineage.try_decision(bigint) IS 'Lets a proposal be replayed within a preview';
