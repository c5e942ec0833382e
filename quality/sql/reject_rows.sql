-- Rejects the rows of a decision that are in pg_temp.due: they stay out of the table, through every rebuild. No row of the
-- table changes, since a queued row is in none; but its row in targets is taken, as by a load, so that no load reads the
-- rows meanwhile.
CREATE FUNCTION dwh_lineage.reject_rows(in_decision bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE dwh_lineage.targets AS t SET load_no = t.load_no + 1
    FROM dwh_lineage.quality_decisions AS d
    WHERE d.id = in_decision AND t.target = d.target;
    PERFORM dwh_lineage.apply_decision(in_decision);
    PERFORM set_config('assay.changes_states', 'on', true);
    WITH rejected AS (
        UPDATE dwh_lineage.quality_exceptions AS e
        SET state = 'rejected', resolved_at = clock_timestamp(), resolution = d.reason
        FROM pg_temp.deciding AS r
        JOIN dwh_lineage.quality_decisions AS d ON d.id = in_decision
        WHERE NOT r.is_overtaken AND e.id = r.exception_id AND e.state = 'queued'
        RETURNING e.id
    ), counted AS (
        INSERT INTO dwh_lineage.issue_deltas (issue_id, delta)
        SELECT b.issue_id, -count(*)
        FROM rejected AS x
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = x.id
        GROUP BY b.issue_id
    )
    INSERT INTO dwh_lineage.exception_events (exception_id, from_state, to_state, decision_id)
    SELECT x.id, 'queued', 'rejected', in_decision FROM rejected AS x;
    PERFORM set_config('assay.changes_states', '', true);
END
$$;
COMMENT ON FUNCTION dwh_lineage.reject_rows(bigint) IS 'Rejects rows of a decision';
