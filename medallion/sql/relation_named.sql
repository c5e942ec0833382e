-- The table or view with this name, as `schema.name`; AS084 where there is none, or it lacks one of in_columns.
-- No side effects.
CREATE FUNCTION dwh_etl.relation_named(in_table text, VARIADIC in_columns text[] DEFAULT '{}')
RETURNS regclass
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass;
    l_missing text;
BEGIN
    BEGIN
        l_relation := to_regclass(in_table);
    EXCEPTION
        WHEN syntax_error OR invalid_name OR feature_not_supported THEN
            l_relation := NULL;  -- it is no name at all
    END;
    IF l_relation IS NULL THEN
        RAISE EXCEPTION 'There is no table %.', in_table
            USING ERRCODE = 'AS084', HINT = 'Name it with its schema, as in silver.customers.';
    END IF;
    SELECT string_agg(c.name, ', ') INTO l_missing
    FROM unnest(in_columns) AS c (name)
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_attribute AS a
        WHERE a.attrelid = l_relation AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
    );
    IF l_missing IS NOT NULL THEN
        RAISE EXCEPTION '% has no column %.', in_table, l_missing
            USING ERRCODE = 'AS084', HINT = format('It has: %s.', (
                SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute AS a
                WHERE a.attrelid = l_relation AND a.attnum > 0 AND NOT a.attisdropped
            ));
    END IF;
    RETURN l_relation;
END
$$;
COMMENT ON FUNCTION dwh_etl.relation_named(text, text[]) IS 'The table with a name, or a clear error';
