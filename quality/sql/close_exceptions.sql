-- Closes the exceptions of in_target for the rows in pg_temp.closed (bronze_id bigint), which a load makes: landed where
-- they pass now, superseded where the table does not take them any more. in_resolution says why, in_decision by
-- whose decision, in a replay. A superseded one whose row passes after all lands. Returns how many it closed.
-- Locks their rows. What they were before is what the snapshot says: a load runs in REPEATABLE READ, so a state that
-- somebody has changed since ends it (40001).
CREATE FUNCTION dwh_lineage.close_exceptions(
    in_target text,
    in_batch_no bigint,
    in_state text,
    in_resolution text,
    in_decision bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_count bigint;
BEGIN
    ANALYZE pg_temp.closed;
    PERFORM set_config('assay.changes_states', 'on', true);
    WITH standing AS (
        SELECT e.id, e.state
        FROM dwh_lineage.quality_exceptions AS e
        JOIN pg_temp.closed AS c ON c.bronze_id = e.bronze_id
        WHERE e.target_table = in_target
            AND (e.state IN ('open', 'proposed', 'queued') OR (e.state = 'superseded' AND in_state = 'landed'))
    ), closed AS (
        UPDATE dwh_lineage.quality_exceptions AS e
        SET state = in_state, resolved_at = clock_timestamp(), resolution = in_resolution
        FROM standing AS s
        WHERE e.id = s.id
        RETURNING e.id, s.state AS was
    ), counted AS (
        INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
        SELECT b.issue_id, in_batch_no, -count(*)
        FROM closed AS c
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = c.id
        WHERE c.was <> 'superseded'
        GROUP BY b.issue_id
    ), noted AS (
        INSERT INTO dwh_lineage.exception_events (exception_id, from_state, to_state, batch_no, note, decision_id)
        SELECT c.id, c.was, in_state, in_batch_no, in_resolution, in_decision FROM closed AS c
    )
    SELECT count(*) INTO l_count FROM closed;
    PERFORM set_config('assay.changes_states', '', true);
    RETURN l_count;
END
$$;
COMMENT ON FUNCTION dwh_lineage.close_exceptions(text, bigint, text, text, bigint)
    IS 'Closes exceptions whose rows pass now, or are not taken any more';
