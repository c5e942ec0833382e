-- What names the row of the gold table in_table with this grain; NULL where it has none that stands (it is filtered by
-- HAVING, or not loaded yet, or retired). Locks nothing.
CREATE FUNCTION dwh_lineage.standing_key(in_table text, in_grain jsonb)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    l_dimension boolean := (
        SELECT t.kind = 'dimension' AND t.contract ? 'surrogate' FROM dwh_lineage.targets AS t WHERE t.target = in_table
    );
    l_row jsonb;
BEGIN
    EXECUTE format(
        'SELECT to_jsonb(t) FROM %1$s AS t, jsonb_populate_record(NULL::%1$s, $1) AS k WHERE %2$s LIMIT 1',
        in_table::regclass,
        (SELECT string_agg(format('t.%1$I = k.%1$I', k.name), ' AND ') FROM jsonb_object_keys(in_grain) AS k (name))
        || CASE WHEN l_dimension THEN ' AND t._retired_at IS NULL' ELSE '' END
    ) INTO l_row USING in_grain;
    RETURN CASE WHEN l_row IS NOT NULL THEN dwh_lineage.key_of(in_table, l_row) END;
END
$$;
COMMENT ON FUNCTION dwh_lineage.standing_key(text, jsonb) IS 'What names the row of a gold table with this grain';
