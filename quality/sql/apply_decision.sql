-- Makes a decision part of the overlay, for the rows of its frozen selection that are in pg_temp.due (replay_chunk), and
-- returns the bronze ids of those that it still concerns; of the others, the outcome is "overtaken".
-- Called by the replay routines, in the transaction that also lands the rows.
CREATE FUNCTION dwh_lineage.apply_decision(in_decision bigint)
RETURNS bigint[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_decision record;
    l_undone record;
    l_rows bigint[];
    l_again boolean;
BEGIN
    SELECT d.* INTO l_decision FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision;
    SELECT u.* INTO l_undone FROM dwh_lineage.quality_decisions AS u WHERE u.id = l_decision.undoes_id;
    -- One look at each row's exception.
    DROP TABLE IF EXISTS pg_temp.deciding;
    CREATE TEMP TABLE deciding ON COMMIT DROP AS
    SELECT r.id, r.bronze_id, r.exception_id, p.patch, CASE WHEN l_decision.verb = 'correct' THEN (
            SELECT jsonb_object_agg(k.name, e.source_data -> k.name) FROM jsonb_object_keys(p.patch) AS k (name)
        ) END AS expected,
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
        END IS TRUE AS is_overtaken
    FROM pg_temp.due AS r
    JOIN dwh_lineage.quality_exceptions AS e ON e.id = r.exception_id
    CROSS JOIN LATERAL (SELECT coalesce(l_decision.patch, '{}') || coalesce(r.patch, '{}') AS patch) AS p;
    ANALYZE pg_temp.deciding (id, bronze_id, exception_id, is_overtaken);

    UPDATE dwh_lineage.decision_rows AS r
    SET outcome = 'overtaken'
    FROM pg_temp.deciding AS d WHERE d.is_overtaken AND r.id = d.id;
    l_rows := ARRAY(SELECT d.bronze_id FROM pg_temp.deciding AS d WHERE NOT d.is_overtaken ORDER BY d.bronze_id);
    IF l_decision.verb = 'correct' THEN
        -- Nearly always no row has been corrected before: then there is nothing to look for, row by row.
        l_again := EXISTS (
            SELECT 1 FROM dwh_lineage.corrections AS c WHERE c.target = l_decision.target AND c.bronze_id = ANY (l_rows)
        );
        INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, expected, decision_id)
        SELECT l_decision.target, d.bronze_id, coalesce(v.version, 0) + 1,
            coalesce(CASE WHEN NOT v.withdrawn THEN v.patch END, '{}') || d.patch, d.expected, in_decision
        FROM pg_temp.deciding AS d
        LEFT JOIN LATERAL (
            SELECT c.version, c.patch, c.withdrawn FROM dwh_lineage.corrections AS c
            WHERE l_again AND c.target = l_decision.target AND c.bronze_id = d.bronze_id
            ORDER BY c.version DESC LIMIT 1
        ) AS v ON true
        WHERE NOT d.is_overtaken;
    ELSIF l_decision.verb = 'waive' THEN
        INSERT INTO dwh_lineage.waivers (target, rule, bronze_id, decision_id)
        SELECT l_decision.target, b.rule, r.bronze_id, in_decision
        FROM pg_temp.deciding AS r
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = r.exception_id
        JOIN dwh_lineage.quality_rules AS q ON q.target = l_decision.target AND q.rule = b.rule AND q.active AND q.can_be_waived
        WHERE NOT r.is_overtaken AND (l_decision.rule IS NULL OR b.rule = l_decision.rule);
    ELSIF l_decision.verb = 'undo' THEN
        PERFORM dwh_lineage.take_back(in_decision, l_undone.id, l_rows);
    END IF;
    RETURN l_rows;
END
$$;
COMMENT ON FUNCTION dwh_lineage.apply_decision(bigint) IS 'Makes a decision part of the overlay';
