-- Takes a decision back for some rows, as part of the decision in_undo: a correction gives way to the patch before it,
-- a waiver counts no more, a rejected row is open. Called by apply_decision.
CREATE FUNCTION dwh_lineage.take_back(in_undo bigint, in_undone bigint, in_rows bigint[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, expected, decision_id, withdrawn)
    SELECT c.target, c.bronze_id, c.version + 1, coalesce(b.patch, '{}'), c.expected, in_undo,
        coalesce(b.withdrawn, true)
    FROM dwh_lineage.quality_decisions AS d
    JOIN dwh_lineage.corrections AS c
        ON c.target = d.target AND c.bronze_id = ANY (in_rows) AND c.decision_id = in_undone
    LEFT JOIN dwh_lineage.corrections AS b
        ON b.target = c.target AND b.bronze_id = c.bronze_id AND b.version = c.version - 1
    WHERE d.id = in_undone;

    UPDATE dwh_lineage.waivers SET withdrawn_by_id = in_undo
    WHERE decision_id = in_undone AND bronze_id = ANY (in_rows) AND withdrawn_by_id IS NULL;

    PERFORM set_config('assay.changes_states', 'on', true);
    WITH opened AS (
        UPDATE dwh_lineage.quality_exceptions AS e
        SET state = 'open', resolved_at = NULL, resolution = NULL
        FROM dwh_lineage.decision_rows AS r
        WHERE r.decision_id = in_undo AND r.bronze_id = ANY (in_rows) AND e.id = r.exception_id AND e.state = 'rejected'
        RETURNING e.id
    ), counted AS (
        INSERT INTO dwh_lineage.issue_deltas (issue_id, delta)
        SELECT b.issue_id, count(*)
        FROM opened AS o
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = o.id
        GROUP BY b.issue_id
    )
    INSERT INTO dwh_lineage.exception_events (exception_id, from_state, to_state, decision_id)
    SELECT o.id, 'rejected', 'open', in_undo FROM opened AS o;
    PERFORM set_config('assay.changes_states', '', true);
END
$$;
COMMENT ON FUNCTION dwh_lineage.take_back(bigint, bigint, bigint[]) IS 'Takes a decision back for some rows';
