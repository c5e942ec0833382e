-- About how many rows one person may decide alone (NULL: about any number): what a page or a command says, and no more than
-- decision_limits says for who signed in to the database. Locks nothing.
CREATE FUNCTION dwh_lineage.alone_up_to(in_said bigint)
RETURNS bigint
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN dwh_lineage.speaks_for_others() THEN in_said
        ELSE least(in_said, (SELECT min(l.alone_up_to) FROM dwh_lineage.decision_limits AS l))
    END
$$;
COMMENT ON FUNCTION dwh_lineage.alone_up_to(bigint) IS 'About how many rows one person may decide alone';
