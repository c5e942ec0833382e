-- Gives an issue to the user in_to; NULL: to nobody. in_by does it. AS090, AS069. Locks the issue.
CREATE FUNCTION dwh_lineage.assign_issue(in_issue bigint, in_by text, in_to text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM dwh_lineage.note_on_issue(in_issue, 'assigned', coalesce('to ' || in_to, 'to nobody'), in_by);
    UPDATE dwh_lineage.quality_issues
    SET assignee_id = CASE WHEN in_to IS NOT NULL THEN dwh_lineage.user_named(in_to) END
    WHERE id = in_issue;
END
$$;
COMMENT ON FUNCTION dwh_lineage.assign_issue(bigint, text, text) IS 'Gives an issue to somebody';
