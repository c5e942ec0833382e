-- Closes the exceptions of in_target whose rows pass now (pg_temp.passed (bronze_id bigint), made by a rebuild).
-- in_resolution says why, in_decision by whose decision. Returns how many it closed. Locks their rows.
CREATE FUNCTION dwh_lineage.land_exceptions(
    in_target text,
    in_batch_no bigint,
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
    WITH landed AS (
        UPDATE dwh_lineage.quality_exceptions AS e
        SET state = 'landed', resolved_at = clock_timestamp(), resolution = in_resolution
        FROM (
            SELECT x.id, x.state
            FROM dwh_lineage.quality_exceptions AS x
            JOIN pg_temp.passed AS p ON p.bronze_id = x.bronze_id
            WHERE x.target_table = in_target AND x.state IN ('open', 'proposed', 'queued')
        ) AS was
        WHERE e.id = was.id
        RETURNING e.id, was.state AS was
    ), counted AS (
        INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
        SELECT b.issue_id, in_batch_no, -count(*)
        FROM landed AS l
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = l.id
        GROUP BY b.issue_id
    ), noted AS (
        INSERT INTO dwh_lineage.exception_events (exception_id, from_state, to_state, batch_no, note, decision_id)
        SELECT l.id, l.was, 'landed', in_batch_no, in_resolution, in_decision FROM landed AS l
    )
    SELECT count(*) INTO l_count FROM landed;
    RETURN l_count;
END
$$;
COMMENT ON FUNCTION dwh_lineage.land_exceptions(text, bigint, text, bigint) IS 'Closes exceptions whose rows pass now';
