-- Carries out the next in_most rows of a queued decision, all in this transaction: the overlay, the table, the exceptions,
-- the ledger, the outcomes. Returns how many rows are left; 0: the decision is done. Rows whose batch waits for the table
-- again are left for later: the load comes first.
-- Must run in REPEATABLE READ; after a 40001 begin again at once: a load or another worker was faster.
-- Locks the table's row in targets, and the exceptions.
CREATE FUNCTION dwh_lineage.replay_chunk(in_decision bigint, in_most integer DEFAULT 100000)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_decision record;
    l_rows bigint[];
    l_left bigint;
BEGIN
    SELECT d.id, d.verb, d.target, d.state, t.replay_routine, u.verb AS undone INTO l_decision
    FROM dwh_lineage.quality_decisions AS d
    JOIN dwh_lineage.targets AS t ON t.target = d.target
    LEFT JOIN dwh_lineage.quality_decisions AS u ON u.id = d.undoes_id
    WHERE d.id = in_decision;
    IF NOT FOUND OR l_decision.state = 'proposed' THEN
        RAISE EXCEPTION 'Decision % is not there, or not approved.', in_decision
            USING ERRCODE = 'AS068', HINT = 'SELECT dwh_lineage.approve(decision, user) approves one.';
    ELSIF l_decision.state <> 'queued' THEN
        RETURN 0;
    END IF;
    -- The planner knows nothing of a decision that was made a moment ago; of this table it shall know.
    DROP TABLE IF EXISTS pg_temp.due;
    CREATE TEMP TABLE due ON COMMIT DROP AS
    SELECT r.id, r.bronze_id, r.exception_id, r.patch FROM dwh_lineage.decision_rows AS r
    WHERE r.decision_id = in_decision AND r.outcome IS NULL AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.pendings AS p
        JOIN dwh_lineage.batches AS b ON b.batch_no = p.batch_no
        WHERE p.consumer = l_decision.target AND r.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
    )
    ORDER BY r.bronze_id  -- Uses index decision_rows_once
    LIMIT in_most;
    ANALYZE pg_temp.due (id, bronze_id, exception_id);
    l_rows := ARRAY(SELECT r.bronze_id FROM pg_temp.due AS r ORDER BY r.bronze_id);
    IF l_decision.verb = 'reject' THEN
        PERFORM dwh_lineage.reject_rows(in_decision);
    ELSIF l_rows <> '{}' THEN
        EXECUTE format('CALL %s($1, $2)', l_decision.replay_routine) USING in_decision, l_rows;
    END IF;

    WITH settled AS (
        UPDATE dwh_lineage.decision_rows AS r
        SET outcome = coalesce(r.outcome, e.state)
        FROM pg_temp.due AS d
        JOIN dwh_lineage.quality_exceptions AS e ON e.id = d.exception_id
        WHERE r.id = d.id
        RETURNING r.outcome
    ), counted AS (
        SELECT count(*) FILTER (WHERE s.outcome = 'landed') AS landed,
            count(*) FILTER (WHERE s.outcome = 'open') AS failing,
            count(*) FILTER (WHERE s.outcome = 'rejected') AS rejected,
            count(*) FILTER (WHERE s.outcome IN ('overtaken', 'superseded')) AS overtaken
        FROM settled AS s
    )
    UPDATE dwh_lineage.quality_decisions AS d
    SET landed = d.landed + c.landed, failing = d.failing + c.failing, rejected = d.rejected + c.rejected,
        overtaken = d.overtaken + c.overtaken, progressed_at = clock_timestamp()
    FROM counted AS c
    WHERE d.id = in_decision;

    SELECT count(*) INTO l_left FROM dwh_lineage.decision_rows AS r WHERE r.decision_id = in_decision AND r.outcome IS NULL;
    IF l_left = 0 THEN
        PERFORM set_config('assay.changes_states', 'on', true);
        UPDATE dwh_lineage.quality_decisions SET state = 'done', finished_at = clock_timestamp() WHERE id = in_decision;
        PERFORM set_config('assay.changes_states', '', true);
    END IF;
    RETURN l_left;
END
$$;
COMMENT ON FUNCTION dwh_lineage.replay_chunk(bigint, integer) IS 'Carries out the next rows of a decision';
