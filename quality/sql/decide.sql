-- Records what a person decided about open exceptions of in_target, and freezes the selection. Returns the decision.
-- in_verb: correct (in_patch: source columns and the text that stands for theirs), waive (in_rule; NULL: whatever the
-- rows break), reject (in_reason is needed).
-- in_selection: what is decided, all parts of it together: {"issue": 7}, with "value" that of its column alone (null:
-- none), {"exceptions": [1, 2]}, {"patches": {"1": {…}, "2": {…}}} with a patch for each; {} is all that is open. A
-- correction may say what becomes of each value, {"issue": 7, "column": "state", "texts": {"actve": "active"}}, or how
-- each text is mended, {"issue": 7, "column": "price", "mend": "number:comma"} (own_patch, mended). And what the list of
-- exceptions is narrowed by: "key" (its beginning), "batch" (which found them), "file" (which brought them), "assignee" (of
-- a cause), "before" (detected), "up_to" (no exception with a higher id: those that came since stay out).
-- in_by: name of the user, who needs the permission to decide for the table; who has only that to propose makes a proposal.
-- in_propose: another person must approve; so too where more rows than in_alone_up_to are selected (NULL: no limit). For who
-- signed in to the database it is no more than decision_limits says. AS086 and AS087 as require.
-- Nothing has changed in the table when it returns: replay_chunk does that. Locks the exceptions.
CREATE FUNCTION dwh_lineage.decide(
    in_verb text,
    in_target text,
    in_selection jsonb,
    in_by text,
    in_reason text DEFAULT '',
    in_patch jsonb DEFAULT NULL,
    in_rule text DEFAULT NULL,
    in_propose boolean DEFAULT false,
    in_alone_up_to bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_author bigint := dwh_lineage.require(in_by, ARRAY['quality.decide', 'quality.propose'], in_target);
    l_decision bigint;
    l_selected bigint;
    l_state text;
BEGIN
    PERFORM dwh_lineage.refuse_bad_selection(in_target, in_selection);
    PERFORM dwh_lineage.refuse_bad_decision(in_verb, in_target, in_selection, in_reason, in_patch, in_rule);
    INSERT INTO dwh_lineage.quality_decisions (
        verb, target, state, selection, patch, rule, reason, author_id, needs_approval
    )
    VALUES (
        in_verb, in_target, 'proposed', in_selection - 'patches', in_patch, in_rule, btrim(in_reason), l_author, true
    )
    RETURNING id INTO l_decision;

    -- Locked in the order of their ids, so that two decisions wait for each other instead of blocking each other.
    INSERT INTO dwh_lineage.decision_rows (decision_id, exception_id, bronze_id, patch)
    SELECT l_decision, s.id, s.bronze_id, CASE WHEN in_selection ?| ARRAY['patches', 'texts', 'mend']
        THEN dwh_lineage.own_patch(in_selection, s.id, s.source_data) END
    FROM (
        SELECT e.id, e.bronze_id, e.source_data
        FROM dwh_lineage.quality_exceptions AS e
        WHERE e.target_table = in_target AND e.state = 'open'
            AND (NOT in_selection ? 'exceptions' OR e.id IN (
                SELECT x.id::bigint FROM jsonb_array_elements_text(in_selection -> 'exceptions') AS x (id)
            ))
            AND (NOT in_selection ? 'up_to' OR e.id <= (in_selection ->> 'up_to')::bigint)
            AND (NOT in_selection ? 'key' OR starts_with(e.source_id, in_selection ->> 'key'))
            AND (NOT in_selection ? 'batch' OR e.batch_no = (in_selection ->> 'batch')::bigint)
            AND (NOT in_selection ? 'before' OR e.detected_at < (in_selection ->> 'before')::timestamptz)
            AND (NOT in_selection ? 'file' OR EXISTS (
                SELECT 1 FROM dwh_lineage.batches AS f
                WHERE f.target = e.source_table AND f.source_file = in_selection ->> 'file'
                    AND e.bronze_id > f.first_bronze_id AND e.bronze_id <= f.last_bronze_id
            ))
            AND (NOT in_selection ? 'assignee' OR EXISTS (
                SELECT 1 FROM dwh_lineage.exception_breaches AS b
                JOIN dwh_lineage.quality_issues AS i ON i.id = b.issue_id
                JOIN public.auth_user AS u ON u.id = i.assignee_id
                WHERE b.exception_id = e.id AND u.username = in_selection ->> 'assignee'
            ))
            AND (NOT in_selection ? 'patches' OR in_selection -> 'patches' ? e.id::text)
            AND (NOT in_selection ? 'issue' OR EXISTS (
                SELECT 1 FROM dwh_lineage.exception_breaches AS b
                WHERE b.exception_id = e.id AND b.issue_id = (in_selection ->> 'issue')::bigint
                    AND (NOT in_selection ? 'value' OR b.value IS NOT DISTINCT FROM in_selection ->> 'value')
                    AND (NOT in_selection ? 'texts' OR in_selection -> 'texts' ? b.value)
            ))
            AND (NOT in_selection ? 'mend' OR dwh_lineage.mended(
                in_selection ->> 'mend', e.source_data ->> (in_selection ->> 'column')
            ) IS NOT NULL)
        ORDER BY e.id
        FOR UPDATE
    ) AS s;
    GET DIAGNOSTICS l_selected = ROW_COUNT;
    IF l_selected = 0 THEN
        RAISE EXCEPTION 'Nothing of % that is open is selected.', in_target
            USING ERRCODE = 'AS066', DETAIL = format('Selection: %s', in_selection - 'patches'),
                  HINT = 'Somebody may have decided already. Look at the page again.';
    END IF;

    l_state := CASE
        WHEN in_propose OR l_selected > dwh_lineage.alone_up_to(in_alone_up_to)
            OR NOT dwh_lineage.may(l_author, ARRAY['quality.decide'], in_target) THEN 'proposed'
        ELSE 'queued'
    END;
    PERFORM dwh_lineage.move_decided(l_decision, 'open', l_state);
    PERFORM set_config('assay.changes_states', 'on', true);
    UPDATE dwh_lineage.quality_decisions
    SET state = l_state, selected = l_selected, needs_approval = (l_state = 'proposed')
    WHERE id = l_decision;
    PERFORM set_config('assay.changes_states', '', true);
    RETURN l_decision;
END
$$;
COMMENT ON FUNCTION dwh_lineage.decide(text, text, jsonb, text, text, jsonb, text, boolean, bigint)
    IS 'Records a decision about open exceptions and freezes its selection';
