-- Makes the unknown member (-1) of a dimension what the declaration says: its own values, or "Unknown" for a text, and
-- for other columns that are never NULL 0, false, the zero uuid, the first day of year 1. A current version, if versions
-- there are. Locks the member's row where it changes.
CREATE FUNCTION dwh_etl.ensure_unknown_member(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
    l_target record;
    l_member jsonb;
    l_columns text;
BEGIN
    SELECT t.rows_relation::regclass AS relation, t.contract ->> 'surrogate' AS surrogate,
        coalesce(t.contract -> 'unknown', '{}') AS unknown
    INTO STRICT l_target
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'gold';

    SELECT jsonb_object_agg(a.attname, CASE
            WHEN a.attname = l_target.surrogate THEN '-1'
            WHEN l_target.unknown ? a.attname THEN l_target.unknown -> a.attname
            WHEN a.attname = 'is_current' THEN 'true'
            WHEN y.typcategory = 'S' THEN '"Unknown"'
            WHEN NOT a.attnotnull THEN 'null'
            WHEN y.typcategory = 'N' THEN '0'
            WHEN y.typcategory = 'B' THEN 'false'
            WHEN y.typcategory = 'D' THEN '"0001-01-01"'
            WHEN y.typname = 'uuid' THEN '"00000000-0000-0000-0000-000000000000"'
            ELSE 'null' END::jsonb),
        string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum)
    INTO l_member, l_columns
    FROM pg_attribute AS a
    JOIN pg_type AS y ON y.oid = a.atttypid
    WHERE a.attrelid = l_target.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        AND a.attname NOT IN ('_batch_id', '_loaded_at', '_retired_at');

    EXECUTE format(
        'INSERT INTO %1$s AS g (%2$s, _batch_id) OVERRIDING SYSTEM VALUE '
        'SELECT %2$s, gen_random_uuid() FROM jsonb_populate_record(NULL::%1$s, $1) '
        'WHERE NOT EXISTS (SELECT 1 FROM %1$s AS g WHERE g.%3$I = -1)',
        l_target.relation, l_columns, l_target.surrogate) USING l_member;
    IF NOT FOUND THEN
        l_columns := array_to_string(array_remove(string_to_array(l_columns, ', '), quote_ident(l_target.surrogate)), ', ');
        EXECUTE format(
            'UPDATE %1$s AS g SET (%2$s) = ROW(%3$s) FROM jsonb_populate_record(NULL::%1$s, $1) AS m '
            'WHERE g.%4$I = -1 AND ROW(%5$s) IS DISTINCT FROM ROW(%3$s)',
            l_target.relation, l_columns, 'm.' || replace(l_columns, ', ', ', m.'), l_target.surrogate,
            'g.' || replace(l_columns, ', ', ', g.')) USING l_member;
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.ensure_unknown_member(text) IS 'Makes the unknown member of a dimension what the declaration says';
