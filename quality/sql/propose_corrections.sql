-- Lets the correction rules of in_target decide about the exceptions that the batch in_batch_no of it has just brought:
-- one decision for each rule that fits, by its author, queued or proposed as the rule says. The replay follows when the
-- load is committed. A rule whose author is not active any more, or may no more say what becomes of the table's
-- rows, decides nothing. Called by record_exceptions, so the
-- table's row in targets is held. Locks the exceptions.
CREATE FUNCTION dwh_lineage.propose_corrections(in_target text, in_batch_no bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_rule record;
    l_decision bigint;
BEGIN
    FOR l_rule IN
        SELECT r.*, u.username
        FROM dwh_lineage.correction_rules AS r
        JOIN dwh_lineage.quality_issues AS i ON i.id = r.issue_id
        JOIN public.auth_user AS u ON u.id = r.author_id AND u.is_active
        WHERE i.target = in_target AND r.active
            AND dwh_lineage.may(u.id, ARRAY['quality.decide', 'quality.propose'], in_target)
        ORDER BY r.id
    LOOP
        BEGIN
            l_decision := dwh_lineage.decide(
                'correct', in_target, l_rule.selection || jsonb_build_object('batch', in_batch_no), l_rule.username,
                format('As decision %s says for rows to come', l_rule.decision_id), l_rule.patch,
                in_alone_up_to => l_rule.alone_up_to
            );
            UPDATE dwh_lineage.quality_decisions SET by_rule_id = l_rule.id WHERE id = l_decision;
        EXCEPTION WHEN SQLSTATE 'AS066' THEN
            NULL;  -- No row of this batch has its cause.
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.propose_corrections(text, bigint) IS 'Lets correction rules decide about new exceptions';
