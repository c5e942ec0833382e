-- Closes the issue in_fingerprint, opened by raise_issue; false where it is not open. SECURITY DEFINER, as raise_issue is.
-- Locks the issue's row.
CREATE FUNCTION dwh_lineage.resolve_issue(in_fingerprint text)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_issue bigint;
    l_open bigint;
BEGIN
    SELECT i.id INTO l_issue FROM dwh_lineage.quality_issues AS i WHERE i.fingerprint = in_fingerprint FOR NO KEY UPDATE;
    l_open := (SELECT sum(d.delta) FROM dwh_lineage.issue_deltas AS d WHERE d.issue_id = l_issue);
    IF coalesce(l_open, 0) <= 0 THEN
        RETURN false;
    END IF;
    INSERT INTO dwh_lineage.issue_deltas (issue_id, delta) VALUES (l_issue, -l_open);
    RETURN true;
END
$$;
COMMENT ON FUNCTION dwh_lineage.resolve_issue(text) IS 'Closes an issue that has no rows';
