-- The tables for which who signed in to the database, a user of the admin by that name, has a permission. Locks nothing.
CREATE FUNCTION dwh_lineage.my_targets(in_permission text)
RETURNS SETOF text
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.target
    FROM dwh_lineage.targets AS t
    WHERE EXISTS (
        SELECT 1
        FROM public.auth_user AS u
        CROSS JOIN LATERAL dwh_lineage.permissions_of(u.id) AS p
        WHERE u.username = session_user AND p.permission = in_permission
            AND (p.layer IS NULL OR p.layer = t.layer)
            AND (p.domain IS NULL OR p.domain = t.domain)
    )
$$;
COMMENT ON FUNCTION dwh_lineage.my_targets(text) IS 'Tables for which the person who signed in has a permission';
