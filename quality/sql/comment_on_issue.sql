-- Keeps what in_by says about an issue. AS091 where it says nothing. Locks the issue.
CREATE FUNCTION dwh_lineage.comment_on_issue(in_issue bigint, in_by text, in_text text)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(btrim(in_text), '') = '' THEN
        RAISE EXCEPTION 'The comment is empty.' USING ERRCODE = 'AS091', HINT = 'Write something.';
    END IF;
    PERFORM dwh_lineage.note_on_issue(in_issue, 'commented', btrim(in_text), in_by);
END
$$;
COMMENT ON FUNCTION dwh_lineage.comment_on_issue(bigint, text, text) IS 'Keeps a comment on an issue';
