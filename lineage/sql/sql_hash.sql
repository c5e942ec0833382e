-- The fingerprint of a routine's body as it is installed: SHA-256, as code_versions keeps it. in_routine: its name with
-- the schema, and with its arguments where several have the name. NULL where there is none. Locks nothing.
CREATE FUNCTION dwh_lineage.sql_hash(in_routine text)
RETURNS text
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT encode(sha256(convert_to(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), 'UTF8')), 'hex')
    FROM pg_proc AS p
    WHERE p.oid = coalesce(to_regproc(in_routine)::oid, to_regprocedure(in_routine)::oid)
$$;
COMMENT ON FUNCTION dwh_lineage.sql_hash(text) IS 'The fingerprint of a routine''s body';
