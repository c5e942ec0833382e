-- The id of the active user who acts under the name in_by. AS069 where there is none; AS086 where the role that acts speaks
-- for itself alone, and its login has another name. Locks nothing.
CREATE FUNCTION dwh_lineage.acting_user(in_by text)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_id bigint := (SELECT u.id FROM public.auth_user AS u WHERE u.username = in_by AND u.is_active);
BEGIN
    IF in_by IS DISTINCT FROM session_user AND NOT dwh_lineage.speaks_for_others() THEN
        RAISE EXCEPTION 'You signed in as %, and cannot decide as %.', session_user, coalesce(in_by, 'nobody')
            USING ERRCODE = 'AS086', HINT = format('Give your own name: %L.', session_user);
    END IF;
    IF l_id IS NULL THEN
        RAISE EXCEPTION 'There is no active user %.', in_by
            USING ERRCODE = 'AS069', HINT = 'Decisions carry the name of a user of the admin.';
    END IF;
    RETURN l_id;
END
$$;
COMMENT ON FUNCTION dwh_lineage.acting_user(text) IS 'The id of the user who acts';
