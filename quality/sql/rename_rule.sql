-- Gives a rule of in_target another name, because its column has another: the rule, the waivers and decisions about it,
-- the exceptions that broke it and their issue go on as what they are. For migrations that rename a column.
-- in_version, in_new_version: the fingerprints that the rule has before and after. in_message, in_new_message: what it
-- says. Rows of the rule's older versions take the new name with their own version. Locks the rows that it changes.
CREATE FUNCTION dwh_lineage.rename_rule(
    in_target text,
    in_rule text,
    in_version text,
    in_message text,
    in_new_rule text,
    in_new_version text,
    in_new_message text,
    in_new_column text
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_issue record;
    l_other bigint;
BEGIN
    -- What bore the new name in an earlier declaration has no waiver that could count any more.
    DELETE FROM dwh_lineage.quality_rules AS q
    WHERE q.target = in_target AND q.rule = in_new_rule AND NOT q.active AND (
        q.version = in_new_version OR q.version IN (
            SELECT o.version FROM dwh_lineage.quality_rules AS o WHERE o.target = in_target AND o.rule = in_rule
        )
    );
    UPDATE dwh_lineage.quality_rules AS q
    SET rule = in_new_rule,
        column_name = in_new_column,
        version = CASE WHEN q.version = in_version THEN in_new_version ELSE q.version END,
        message = CASE WHEN q.version = in_version THEN in_new_message ELSE q.message END
    WHERE q.target = in_target AND q.rule = in_rule;
    UPDATE dwh_lineage.waivers AS w
    SET rule = in_new_rule,
        rule_version = CASE WHEN w.rule_version = in_version THEN in_new_version ELSE w.rule_version END
    WHERE w.target = in_target AND w.rule = in_rule;
    UPDATE dwh_lineage.quality_decisions AS d SET rule = in_new_rule WHERE d.target = in_target AND d.rule = in_rule;
    UPDATE dwh_lineage.quality_exceptions AS e
    SET issues = array_replace(e.issues, in_message, in_new_message)
    FROM dwh_lineage.exception_breaches AS b
    WHERE b.exception_id = e.id AND b.rule = in_rule AND b.message = in_message
        AND e.target_table = in_target AND in_message <> in_new_message;
    UPDATE dwh_lineage.exception_breaches AS b
    SET rule = in_new_rule,
        column_name = in_new_column,
        message = CASE WHEN b.message = in_message THEN in_new_message ELSE b.message END
    FROM dwh_lineage.quality_exceptions AS e
    WHERE e.id = b.exception_id AND e.target_table = in_target AND b.rule = in_rule;
    FOR l_issue IN
        SELECT i.id, in_target || ' ' || in_new_rule || substr(i.fingerprint, length(in_target || ' ' || in_rule) + 1)
            AS fingerprint
        FROM dwh_lineage.quality_issues AS i WHERE i.target = in_target AND i.rule = in_rule
    LOOP
        -- An issue of an earlier declaration's rule of that name: one cause, one issue.
        SELECT o.id INTO l_other FROM dwh_lineage.quality_issues AS o WHERE o.fingerprint = l_issue.fingerprint;
        IF FOUND THEN
            UPDATE dwh_lineage.exception_breaches SET issue_id = l_issue.id WHERE issue_id = l_other;
            UPDATE dwh_lineage.issue_deltas SET issue_id = l_issue.id WHERE issue_id = l_other;
            DELETE FROM dwh_lineage.quality_issues WHERE id = l_other;
        END IF;
        UPDATE dwh_lineage.quality_issues AS i
        SET rule = in_new_rule,
            column_name = in_new_column,
            fingerprint = l_issue.fingerprint,
            title = CASE WHEN i.title = in_message THEN in_new_message ELSE i.title END
        WHERE i.id = l_issue.id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.rename_rule(text, text, text, text, text, text, text, text)
    IS 'Gives a rule another name, with all that hangs on it';
