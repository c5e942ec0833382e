-- Whether the role that acts may name any user as the one who decides: the owner of Assay's tables and etl_service may, for
-- they act for people who signed in elsewhere. Everybody else is who signed in to the database. Locks nothing.
CREATE FUNCTION dwh_lineage.speaks_for_others()
RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Within a routine that works with its owner's rights, current_user is the owner; `role` is still what the caller took.
    SELECT pg_has_role(a.role, n.nspowner, 'MEMBER')
        OR CASE WHEN to_regrole('etl_service') IS NOT NULL THEN pg_has_role(a.role, 'etl_service', 'MEMBER') ELSE false END
    FROM pg_namespace AS n,
        (SELECT coalesce(nullif(current_setting('role'), 'none'), session_user)::name AS role) AS a
    WHERE n.nspname = 'dwh_lineage'
$$;
COMMENT ON FUNCTION dwh_lineage.speaks_for_others() IS 'Whether the acting role may name the user who decides';
