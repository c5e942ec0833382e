-- Makes a decision part of the overlay, for the rows in_rows (bronze ids) of its frozen selection, and returns those of
-- them that it still concerns; what else has become of the others is written as their outcome "overtaken".
-- Called by the replay routines, in the transaction that also lands the rows. Locks the exceptions.
CREATE FUNCTION dwh_lineage.apply_decision(in_decision bigint, in_rows bigint[])
RETURNS bigint[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_decision record;
    l_undone record;
    l_rows bigint[];
BEGIN
    SELECT d.* INTO l_decision FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision;
    SELECT u.* INTO l_undone FROM dwh_lineage.quality_decisions AS u WHERE u.id = l_decision.undoes_id;
    UPDATE dwh_lineage.decision_rows AS r
    SET outcome = 'overtaken'
    FROM dwh_lineage.quality_exceptions AS e
    WHERE r.decision_id = in_decision AND r.bronze_id = ANY (in_rows) AND e.id = r.exception_id AND (
        CASE l_decision.verb
            WHEN 'undo' THEN e.state IN ('proposed', 'queued') OR (
                l_undone.verb = 'correct' AND in_decision IS DISTINCT FROM l_undone.id AND l_undone.id <> (
                    -- Uses index corrections_version
                    SELECT c.decision_id FROM dwh_lineage.corrections AS c
                    WHERE c.target = l_decision.target AND c.bronze_id = r.bronze_id
                    ORDER BY c.version DESC LIMIT 1
                )
            ) OR (l_undone.verb = 'reject' AND e.state <> 'rejected')
            ELSE e.state <> 'queued'
        END
    );
    l_rows := ARRAY(
        SELECT r.bronze_id FROM dwh_lineage.decision_rows AS r
        WHERE r.decision_id = in_decision AND r.bronze_id = ANY (in_rows) AND r.outcome IS NULL
    );
    IF l_decision.verb = 'correct' THEN
        INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, expected, decision_id)
        SELECT l_decision.target, r.bronze_id, coalesce(v.version, 0) + 1,
            coalesce(CASE WHEN NOT v.withdrawn THEN v.patch END, '{}') || p.patch,
            (SELECT jsonb_object_agg(k.name, e.source_data -> k.name) FROM jsonb_object_keys(p.patch) AS k (name)),
            in_decision
        FROM dwh_lineage.decision_rows AS r
        JOIN dwh_lineage.quality_exceptions AS e ON e.id = r.exception_id
        CROSS JOIN LATERAL (SELECT coalesce(l_decision.patch, '{}') || coalesce(r.patch, '{}') AS patch) AS p
        LEFT JOIN LATERAL (
            SELECT c.version, c.patch, c.withdrawn FROM dwh_lineage.corrections AS c
            WHERE c.target = l_decision.target AND c.bronze_id = r.bronze_id
            ORDER BY c.version DESC LIMIT 1
        ) AS v ON true
        WHERE r.decision_id = in_decision AND r.bronze_id = ANY (l_rows);
    ELSIF l_decision.verb = 'waive' THEN
        INSERT INTO dwh_lineage.waivers (target, rule, bronze_id, decision_id)
        SELECT l_decision.target, b.rule, r.bronze_id, in_decision
        FROM dwh_lineage.decision_rows AS r
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = r.exception_id
        JOIN dwh_lineage.quality_rules AS q ON q.target = l_decision.target AND q.rule = b.rule AND q.active AND q.can_be_waived
        WHERE r.decision_id = in_decision AND r.bronze_id = ANY (l_rows)
            AND (l_decision.rule IS NULL OR b.rule = l_decision.rule);
    ELSIF l_decision.verb = 'undo' THEN
        PERFORM dwh_lineage.take_back(in_decision, l_undone.id, l_rows);
    END IF;
    RETURN l_rows;
END
$$;
COMMENT ON FUNCTION dwh_lineage.apply_decision(bigint, bigint[]) IS 'Makes a decision part of the overlay';
