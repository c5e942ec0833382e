-- What the open exception in_exception would become with in_patch (source columns and the text that stands for theirs)
-- over what it is now, by the routine with which loads judge its row: {"broken": [{"rule", "column", "message"}],
-- "row": {…}}; without broken rules it would land. Nothing stays: the correction is written and taken back.
-- in_by: name of the user, who may decide or propose for the table. AS096 where there is no such exception; AS063 where the source has no such column;
-- AS086 and AS087 as require.
-- Takes no lock that a load waits for, but that of a new version of the row's correction.
CREATE FUNCTION dwh_lineage.try_patch(in_exception bigint, in_patch jsonb, in_by text)
RETURNS jsonb
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    l_author bigint;
    l_exception record;
    l_decision bigint;
    l_found record;
    l_result jsonb;
BEGIN
    SELECT e.target_table, e.bronze_id, v.version, CASE WHEN NOT v.withdrawn THEN v.patch END AS patch INTO l_exception
    FROM dwh_lineage.quality_exceptions AS e
    LEFT JOIN LATERAL (
        SELECT c.version, c.patch, c.withdrawn FROM dwh_lineage.corrections AS c
        WHERE c.target = e.target_table AND c.bronze_id = e.bronze_id
        ORDER BY c.version DESC LIMIT 1
    ) AS v ON true
    WHERE e.id = in_exception;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no exception %.', in_exception
            USING ERRCODE = 'AS096', HINT = 'Its row may have gone by retention. Look at the list again.';
    END IF;
    l_author := dwh_lineage.require(in_by, ARRAY['quality.decide', 'quality.propose'], l_exception.target_table);
    BEGIN
        INSERT INTO dwh_lineage.quality_decisions (verb, target, state, author_id, needs_approval)
        VALUES ('correct', l_exception.target_table, 'proposed', l_author, true)
        RETURNING id INTO l_decision;
        INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, decision_id)
        VALUES (
            l_exception.target_table, l_exception.bronze_id, coalesce(l_exception.version, 0) + 1,
            coalesce(l_exception.patch, '{}') || in_patch, l_decision
        );
        EXECUTE format(
            'SELECT v._broken, to_jsonb(v) AS whole FROM dwh_etl.%I(NULL, NULL, ARRAY[$1]) AS v',
            'evaluate_' || replace(l_exception.target_table, '.', '_')
        ) INTO l_found USING l_exception.bronze_id;
        l_result := jsonb_build_object(
            'broken', (
                SELECT coalesce(jsonb_agg(
                    jsonb_build_object('rule', q.rule, 'column', q.column_name, 'message', q.message) ORDER BY q.position
                ), '[]')
                FROM dwh_lineage.quality_rules AS q
                WHERE q.target = l_exception.target_table AND q.active AND q.position = ANY (l_found._broken)
            ),
            'row', (
                SELECT jsonb_object_agg(c.key, c.value) FROM jsonb_each(l_found.whole) AS c WHERE NOT starts_with(c.key, '_')
            )
        );
        RAISE EXCEPTION USING ERRCODE = 'AS097';
    EXCEPTION WHEN SQLSTATE 'AS097' THEN
        RETURN l_result;
    END;
END
$$;
COMMENT ON FUNCTION dwh_lineage.try_patch(bigint, jsonb, text) IS 'What an exception would become with a patch';
