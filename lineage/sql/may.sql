-- Whether a user has one of some permissions for a table. Of a table that is not there: whether he has it for all.
-- Locks nothing.
CREATE FUNCTION dwh_lineage.may(in_user bigint, in_permissions text[], in_target text)
RETURNS boolean
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT 1
        FROM dwh_lineage.permissions_of(in_user) AS p
        LEFT JOIN dwh_lineage.targets AS t ON t.target = in_target
        WHERE p.permission = ANY (in_permissions)
            AND (p.layer IS NULL OR p.layer = t.layer)
            AND (p.domain IS NULL OR p.domain = t.domain)
    )
$$;
COMMENT ON FUNCTION dwh_lineage.may(bigint, text[], text) IS 'Whether a user has one of some permissions for a table';
