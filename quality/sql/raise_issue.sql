-- Opens the issue in_fingerprint, or opens it again, and tells people once for each time it opens. It has no rows: it is
-- about the table or pipeline as a whole. in_target: the installed table at which it shows. False where it is open.
-- SECURITY DEFINER, for loads need not be allowed to write notifications. Locks the issue's row.
CREATE FUNCTION dwh_lineage.raise_issue(in_fingerprint text, in_target text, in_rule text, in_title text)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_issue bigint;
    l_is_new boolean;
    l_open bigint;
    l_changes bigint;
BEGIN
    INSERT INTO dwh_lineage.quality_issues AS i (fingerprint, target, rule, title)
    VALUES (in_fingerprint, in_target, in_rule, in_title)
    ON CONFLICT (fingerprint) DO UPDATE SET title = excluded.title
    RETURNING i.id, i.xmax = 0 INTO l_issue, l_is_new;
    SELECT coalesce(sum(d.delta), 0), count(*) INTO l_open, l_changes
    FROM dwh_lineage.issue_deltas AS d WHERE d.issue_id = l_issue;
    IF l_open > 0 THEN
        RETURN false;
    END IF;
    INSERT INTO dwh_lineage.issue_deltas (issue_id, delta) VALUES (l_issue, 1);
    IF NOT l_is_new THEN  -- a new one is notified by the trigger, whoever inserts it
        PERFORM dwh_lineage.notify_once(
            format('issue %s again %s', l_issue, l_changes), 'issue_again', l_issue, in_title,
            format('%s, rule %s', in_target, in_rule)
        );
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION dwh_lineage.raise_issue(text, text, text, text) IS 'Opens an issue that has no rows';
