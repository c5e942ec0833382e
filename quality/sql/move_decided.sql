-- Moves the exceptions of a decision that have no outcome yet from one state to another, and notes it with each of them.
-- Returns how many. Locks them.
CREATE FUNCTION dwh_lineage.move_decided(in_decision bigint, in_from text, in_to text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_moved bigint;
BEGIN
    PERFORM set_config('assay.changes_states', 'on', true);
    WITH moved AS (
        UPDATE dwh_lineage.quality_exceptions AS e
        SET state = in_to,
            resolved_at = CASE WHEN in_to = 'rejected' THEN clock_timestamp() END,
            resolution = CASE WHEN in_to = 'rejected' THEN 'rejected' END
        FROM dwh_lineage.decision_rows AS r
        WHERE r.decision_id = in_decision AND r.outcome IS NULL AND e.id = r.exception_id AND e.state = in_from
        RETURNING e.id
    ), noted AS (
        INSERT INTO dwh_lineage.exception_events (exception_id, from_state, to_state, decision_id)
        SELECT m.id, in_from, in_to, in_decision FROM moved AS m
    )
    SELECT count(*) INTO l_moved FROM moved;
    PERFORM set_config('assay.changes_states', '', true);
    RETURN l_moved;
END
$$;
COMMENT ON FUNCTION dwh_lineage.move_decided(bigint, text, text) IS 'Moves the exceptions of a decision to a state';
