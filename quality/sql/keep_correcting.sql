-- Makes a correction rule of a decision: new rows with the same cause are corrected likewise, by decisions of its
-- author's that loads make (propose_corrections). in_alone_up_to: more rows of one load wait for another person's
-- approval (NULL: none do; decision_limits holds as in decide); all do where the decision itself was a proposal. in_by has to
-- be one who may decide or propose for the table. Returns the rule. AS092 where the decision
-- is no correction of a cause, or has a rule already.
CREATE FUNCTION dwh_lineage.keep_correcting(in_decision bigint, in_by text, in_alone_up_to bigint DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_author bigint;
    l_decision record;
    l_rule bigint;
BEGIN
    SELECT d.* INTO l_decision FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision FOR NO KEY UPDATE;
    IF NOT FOUND OR l_decision.verb <> 'correct' OR NOT l_decision.selection ? 'issue'
        OR l_decision.selection ?| ARRAY['exceptions', 'batch']
        OR (l_decision.patch IS NULL AND NOT l_decision.selection ?| ARRAY['texts', 'mend'])
        OR EXISTS (SELECT 1 FROM dwh_lineage.correction_rules AS r WHERE r.decision_id = in_decision)
    THEN
        RAISE EXCEPTION 'Decision % cannot hold for rows to come.', in_decision
            USING ERRCODE = 'AS092', HINT = 'It has to be a correction of a cause or of its values, without a rule so far.';
    END IF;
    l_author := dwh_lineage.require(in_by, ARRAY['quality.decide', 'quality.propose'], l_decision.target);
    INSERT INTO dwh_lineage.correction_rules (issue_id, decision_id, selection, patch, author_id, alone_up_to)
    VALUES (
        (l_decision.selection ->> 'issue')::bigint, in_decision, l_decision.selection, l_decision.patch, l_author,
        CASE WHEN l_decision.needs_approval THEN 0 ELSE dwh_lineage.alone_up_to(in_alone_up_to) END
    )
    RETURNING id INTO l_rule;
    RETURN l_rule;
END
$$;
COMMENT ON FUNCTION dwh_lineage.keep_correcting(bigint, text, bigint) IS 'Makes a correction rule of a decision';
