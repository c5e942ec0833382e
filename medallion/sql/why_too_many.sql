-- Why in_rows of something (changed rows, keys) of in_target are too many to be looked at one by one, so that computing
-- everything is cheaper; NULL where they are few. A thousand are few of any table. Locks nothing.
CREATE FUNCTION dwh_etl.why_too_many(in_target text, in_rows bigint, in_what text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_all bigint;
BEGIN
    IF in_rows <= 1000 THEN
        RETURN NULL;
    END IF;
    l_all := dwh_etl.estimated_rows(
        (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = in_target)::regclass
    );
    -- Measured: docs/decisions/007-affected-keys.md.
    IF in_rows > 0.1 * l_all THEN
        RETURN format('%s %s of about %s rows of %s are many', in_rows, in_what, l_all, in_target);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.why_too_many(text, bigint, text) IS 'Why everything is computed rather than so many keys';
