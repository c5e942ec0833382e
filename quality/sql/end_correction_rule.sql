-- Switches a correction rule off; what it has corrected stays. in_by, who may decide for its table, does it. AS092 where it
-- is not on; AS086 and AS087 as require. Locks the rule.
CREATE FUNCTION dwh_lineage.end_correction_rule(in_rule bigint, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target text := (
        SELECT i.target
        FROM dwh_lineage.correction_rules AS r
        JOIN dwh_lineage.quality_issues AS i ON i.id = r.issue_id
        WHERE r.id = in_rule
    );
BEGIN
    UPDATE dwh_lineage.correction_rules
    SET active = false, ended_at = clock_timestamp(),
        ended_by_id = dwh_lineage.require(in_by, ARRAY['quality.decide'], l_target)
    WHERE id = in_rule AND active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Correction rule % is not on.', in_rule
            USING ERRCODE = 'AS092', HINT = 'Look at the page again.';
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.end_correction_rule(bigint, text) IS 'Switches a correction rule off';
