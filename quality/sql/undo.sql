-- Undoes a decision: a decision of its own, whose replay gives each row the patch it had before, takes waivers back, and
-- opens rejected rows again. in_by needs the permission to decide for the table. Returns the new decision. AS086 and AS087 as
-- require. AS068 where it is not at its end, changed nothing, or is undone already. Rows that a later decision has changed are
-- left alone, and so are those that went by retention and those that landed before the fold horizon: what silver says of them
-- is settled. Locks the decision.
CREATE FUNCTION dwh_lineage.undo(in_decision bigint, in_by text, in_reason text DEFAULT '')
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_author bigint;
    l_decision record;
    l_undo bigint;
    l_selected bigint;
    l_forgetful text;
    l_settled record;
BEGIN
    SELECT d.* INTO l_decision FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision FOR UPDATE;
    IF NOT FOUND OR l_decision.verb = 'undo' OR l_decision.state NOT IN ('done', 'cancelled') OR EXISTS (
        SELECT 1 FROM dwh_lineage.quality_decisions AS u WHERE u.undoes_id = in_decision
    ) THEN
        RAISE EXCEPTION 'Decision % cannot be undone.', in_decision
            USING ERRCODE = 'AS068', HINT = 'It is still under way, is an undo itself, or has been undone already.';
    END IF;
    l_author := dwh_lineage.require(in_by, ARRAY['quality.decide'], l_decision.target);
    INSERT INTO dwh_lineage.quality_decisions (verb, target, selection, undoes_id, reason, author_id)
    VALUES ('undo', l_decision.target, jsonb_build_object('decision', in_decision), in_decision, btrim(in_reason), l_author)
    RETURNING id INTO l_undo;
    SELECT s.rows_relation INTO l_forgetful
    FROM dwh_lineage.targets AS t
    JOIN dwh_lineage.targets AS s ON s.target = t.contract ->> 'source'
    WHERE t.target = l_decision.target
        AND EXISTS (SELECT 1 FROM dwh_lineage.dropped_partitions AS d WHERE d.target = s.target);
    -- The name comes from targets, written by a migration, quoted.
    EXECUTE format(
        'INSERT INTO dwh_lineage.decision_rows (decision_id, exception_id, bronze_id)
        SELECT $1, r.exception_id, r.bronze_id
        FROM dwh_lineage.decision_rows AS r
        WHERE r.decision_id = $2 AND r.outcome IN (''landed'', ''open'', ''rejected'', ''superseded'') %s
        ORDER BY r.id',
        'AND EXISTS (SELECT 1 FROM ' || l_forgetful || ' AS b WHERE b._bronze_id = r.bronze_id)'
    ) USING l_undo, in_decision;
    -- What the table took from before its fold horizon is settled: no fold would take it out again.
    SELECT t.fold_horizon, t.contract ->> 'effective' AS effective INTO l_settled
    FROM dwh_lineage.targets AS t WHERE t.target = l_decision.target;
    IF l_settled.fold_horizon IS NOT NULL AND l_settled.effective IS NOT NULL AND l_decision.verb IN ('correct', 'waive') THEN
        EXECUTE format(
            'DELETE FROM dwh_lineage.decision_rows AS r
            USING dwh_etl.%I(NULL, NULL, $3) AS v, dwh_lineage.quality_exceptions AS e
            WHERE r.decision_id = $1 AND v._bronze_id = r.bronze_id AND v.%I::timestamptz < $2
                AND e.id = r.exception_id AND e.state = ''landed''',
            'evaluate_' || replace(l_decision.target, '.', '_'), l_settled.effective
        ) USING l_undo, l_settled.fold_horizon,
            ARRAY(SELECT r.bronze_id FROM dwh_lineage.decision_rows AS r WHERE r.decision_id = l_undo);
    END IF;
    SELECT count(*) INTO l_selected FROM dwh_lineage.decision_rows AS r WHERE r.decision_id = l_undo;
    IF l_selected = 0 THEN
        RAISE EXCEPTION 'Decision % changed nothing.', in_decision
            USING ERRCODE = 'AS068', HINT = 'There is nothing to undo, bronze no longer has its rows, or they are settled history.';
    END IF;
    UPDATE dwh_lineage.quality_decisions SET selected = l_selected WHERE id = l_undo;
    RETURN l_undo;
END
$$;
COMMENT ON FUNCTION dwh_lineage.undo(bigint, text, text) IS 'Undoes a decision, by a decision';
