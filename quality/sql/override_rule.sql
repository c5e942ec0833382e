-- Sets the severity and the threshold of a rule or a check of in_target from the next batch on; what is NULL is as declared.
-- Takes the rule's name, `warn`, `quarantine` (of rules) or `fail`, a number of rows or a share as in `1%`, a reason and
-- the name of the user who decides, with the permission to override for the table. AS083 where that makes no sense; AS086 and
-- AS087 as require. Returns the first batch that is governed.
-- Locks the target's row and changes it: a load that has begun ends first, one that begins meanwhile begins again. So no
-- batch is loaded under one severity and judged under the other by a rebuild.
CREATE FUNCTION dwh_lineage.override_rule(
    in_target text,
    in_name text,
    in_severity text,
    in_threshold text,
    in_reason text,
    in_by text
)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_user bigint := dwh_lineage.require(in_by, ARRAY['quality.override'], in_target);
    l_rule record;
    l_wrong text;
    l_first bigint;
BEGIN
    UPDATE dwh_lineage.targets SET load_no = load_no WHERE target = in_target;
    SELECT r.is_check, r.can_be_waived INTO l_rule
    FROM dwh_lineage.quality_rules AS r WHERE r.target = in_target AND r.rule = in_name AND r.active;
    l_wrong := CASE
        WHEN NOT FOUND THEN format('%s has no rule or check %s.', in_target, in_name)
        WHEN in_severity NOT IN ('warn', 'quarantine', 'fail') THEN format('There is no severity %s.', in_severity)
        WHEN l_rule.is_check AND in_severity = 'quarantine' THEN 'A check has no rows to quarantine.'
        WHEN NOT l_rule.is_check AND NOT l_rule.can_be_waived AND in_severity = 'warn'
            THEN format('%s cannot only warn: the table could not hold the row.', in_name)
        WHEN in_threshold !~ '^\d+(\.\d+)?%?$' THEN format('%s is neither a number nor a share.', in_threshold)
        WHEN coalesce(btrim(in_reason), '') = '' THEN 'It needs a reason.'
    END;
    IF l_wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', l_wrong
            USING ERRCODE = 'AS083',
                  HINT = 'Severities are warn, quarantine (of rules) and fail; a threshold is 100 or 1%. Say why.';
    END IF;
    SELECT coalesce(max(b.batch_no), 0) + 1 INTO l_first FROM dwh_lineage.batches AS b;
    INSERT INTO dwh_lineage.quality_overrides (target, name, severity, threshold, reason, author_id, first_batch_no)
    VALUES (in_target, in_name, in_severity, in_threshold, in_reason, l_user, l_first);
    RETURN l_first;
END
$$;
COMMENT ON FUNCTION dwh_lineage.override_rule(text, text, text, text, text, text)
    IS 'Sets the severity and the threshold of a rule from the next batch on';
