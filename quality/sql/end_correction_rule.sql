-- Switches a correction rule off; what it has corrected stays. in_by does it. AS092 where it is not on. Locks the rule.
CREATE FUNCTION dwh_lineage.end_correction_rule(in_rule bigint, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE dwh_lineage.correction_rules
    SET active = false, ended_by_id = dwh_lineage.user_named(in_by), ended_at = clock_timestamp()
    WHERE id = in_rule AND active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Correction rule % is not on.', in_rule
            USING ERRCODE = 'AS092', HINT = 'Look at the page again.';
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.end_correction_rule(bigint, text) IS 'Switches a correction rule off';
