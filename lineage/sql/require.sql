-- The id of the user in_by, who must have one of some permissions for a table: AS087 where he has not; AS069 and AS086 as
-- acting_user. Routines that act for a person begin with it. Locks nothing.
CREATE FUNCTION dwh_lineage.require(in_by text, in_permissions text[], in_target text)
RETURNS bigint
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_user bigint := dwh_lineage.acting_user(in_by);
BEGIN
    IF NOT dwh_lineage.may(l_user, in_permissions, in_target) THEN
        RAISE EXCEPTION '% may not do this with %.', in_by, in_target
            USING ERRCODE = 'AS087',
                  DETAIL = format('Needed: %s.', array_to_string(in_permissions, ' or ')),
                  HINT = 'An administrator gives permissions to groups, and says in which layers and domains they hold.';
    END IF;
    RETURN l_user;
END
$$;
COMMENT ON FUNCTION dwh_lineage.require(text, text[], text) IS 'Refuses who lacks a permission for a table';
