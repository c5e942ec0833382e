-- GRANT in_privileges TO in_role, where that role exists; where it could not be created there is nobody to grant to.
-- Takes text that migrations write, never a person's input. Locks what GRANT locks.
CREATE FUNCTION dwh_lineage.grant_to(in_role text, in_privileges text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = in_role) THEN
        EXECUTE format('GRANT %s TO %I', in_privileges, in_role);
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_lineage.grant_to(text, text) IS 'GRANT, where the role exists';
