-- Notes an act about an issue. in_act: assigned, snoozed or commented, with a text. Who comments has to see the table's
-- exceptions, who assigns or snoozes to be one who decides about them. AS090 where there is no such issue; AS069, AS086 and
-- AS087 as require. Called by the routines that act; locks the issue.
CREATE FUNCTION dwh_lineage.note_on_issue(in_issue bigint, in_act text, in_text text, in_by text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_author bigint;
    l_target text;
BEGIN
    SELECT i.target INTO l_target FROM dwh_lineage.quality_issues AS i WHERE i.id = in_issue FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no issue %.', in_issue
            USING ERRCODE = 'AS090', HINT = 'dwh_lineage.quality_issues has those there are.';
    END IF;
    l_author := dwh_lineage.require(
        in_by, ARRAY[CASE in_act WHEN 'commented' THEN 'quality.view_qualityexception' ELSE 'quality.decide' END], l_target
    );
    INSERT INTO dwh_lineage.issue_events (issue_id, act, text, author_id) VALUES (in_issue, in_act, in_text, l_author);
END
$$;
COMMENT ON FUNCTION dwh_lineage.note_on_issue(bigint, text, text, text) IS 'Notes an act about an issue';
