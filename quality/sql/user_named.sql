-- The id of the user with this name; AS069 where there is none.
CREATE FUNCTION dwh_lineage.user_named(in_name text)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_id bigint := (SELECT u.id FROM public.auth_user AS u WHERE u.username = in_name AND u.is_active);
BEGIN
    IF l_id IS NULL THEN
        RAISE EXCEPTION 'There is no active user %.', in_name
            USING ERRCODE = 'AS069', HINT = 'Decisions carry the name of a user of the admin.';
    END IF;
    RETURN l_id;
END
$$;
COMMENT ON FUNCTION dwh_lineage.user_named(text) IS 'The id of an active user';
