-- Raises AS067 where a decision cannot be carried out as it is said: an unknown verb, a correction without a patch or of
-- columns that the source has not, a waiver of a rule that the table cannot do without, a rejection without a reason.
CREATE FUNCTION dwh_lineage.refuse_bad_decision(
    in_verb text,
    in_target text,
    in_selection jsonb,
    in_reason text,
    in_patch jsonb,
    in_rule text
)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_contract jsonb := (
        SELECT t.contract FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.replay_routine IS NOT NULL
    );
    l_wrong text;
BEGIN
    IF l_contract IS NULL THEN
        RAISE EXCEPTION '% has no rows that can be decided about.', in_target
            USING ERRCODE = 'AS067', HINT = 'Name a silver table, as in silver.customers.';
    END IF;
    IF in_verb NOT IN ('correct', 'waive', 'reject') THEN
        RAISE EXCEPTION 'There is no decision "%".', in_verb
            USING ERRCODE = 'AS067', HINT = 'Say correct, waive or reject.';
    END IF;
    IF in_verb = 'reject' AND coalesce(btrim(in_reason), '') = '' THEN
        RAISE EXCEPTION 'Rejecting rows needs a reason.'
            USING ERRCODE = 'AS067', HINT = 'Say why they are to stay out of the table for good.';
    END IF;
    IF in_verb = 'correct' THEN
        IF in_patch IS NULL AND NOT in_selection ?| ARRAY['patches', 'texts', 'mend'] THEN
            RAISE EXCEPTION 'A correction needs a patch.'
                USING ERRCODE = 'AS067', HINT = 'Give source columns and the text that stands for theirs.';
        END IF;
        SELECT string_agg(DISTINCT k.name, ', ') INTO l_wrong
        FROM (
            SELECT coalesce(in_patch, '{}') AS patch
            UNION ALL
            SELECT p.value FROM jsonb_each(coalesce(in_selection -> 'patches', '{}')) AS p
            UNION ALL
            SELECT jsonb_build_object(coalesce(in_selection ->> 'column', ''), '')
            WHERE in_selection ?| ARRAY['texts', 'mend']
        ) AS x
        CROSS JOIN LATERAL jsonb_object_keys(x.patch) AS k (name)
        WHERE NOT l_contract -> 'source_columns' ? k.name;
        IF l_wrong IS NOT NULL THEN
            RAISE EXCEPTION 'The source of % has no column %.', in_target, l_wrong
                USING ERRCODE = 'AS067', HINT = 'A correction names the columns of the bronze table.';
        END IF;
    END IF;
    IF in_verb = 'waive' AND in_rule IS NOT NULL THEN
        PERFORM 1 FROM dwh_lineage.quality_rules AS r
        WHERE r.target = in_target AND r.rule = in_rule AND r.active AND r.can_be_waived;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The rule % of % cannot be waived.', in_rule, in_target
                USING ERRCODE = 'AS067',
                      HINT = 'Casts, keys, the effective time and an enum''s values cannot be: the table could not hold the row.';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.refuse_bad_decision(text, text, jsonb, text, jsonb, text)
    IS 'Refuses a decision that cannot be carried out';
