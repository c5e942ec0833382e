-- Notes an act about an issue. in_act: assigned, snoozed or commented, with a text. AS090 where there is no such issue,
-- AS069 where there is no such user. Called by the routines that act; locks the issue.
CREATE FUNCTION dwh_lineage.note_on_issue(in_issue bigint, in_act text, in_text text, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_author bigint := dwh_lineage.user_named(in_by);
BEGIN
    PERFORM 1 FROM dwh_lineage.quality_issues AS i WHERE i.id = in_issue FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no issue %.', in_issue
            USING ERRCODE = 'AS090', HINT = 'dwh_lineage.quality_issues has those there are.';
    END IF;
    INSERT INTO dwh_lineage.issue_events (issue_id, act, text, author_id) VALUES (in_issue, in_act, in_text, l_author);
END
$$;
COMMENT ON FUNCTION dwh_lineage.note_on_issue(bigint, text, text, text) IS 'Notes an act about an issue';
