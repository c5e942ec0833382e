-- The row of in_table that in_key names, as JSON. in_key: a value, where one column names a row ('123'), or columns and
-- values as JSON ('{"date_key": 20240105, "product_category": "Toys"}'); any columns will do that tell one row from all
-- others. Raises AS010 (no such table), AS100 (no such row), AS101 (several), AS102 (no key can be read), AS103 (no such
-- column). Locks nothing.
CREATE FUNCTION dwh_lineage.find_row(in_table text, in_key text)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    l_identity text[] := dwh_lineage.identity_of(in_table);
    l_relation regclass := to_regclass(in_table);
    l_key jsonb;
    l_unknown text;
    l_rows jsonb[];
BEGIN
    IF in_key IS NULL THEN
        l_key := '{}';
    ELSIF ltrim(in_key) LIKE '{%' AND pg_input_is_valid(in_key, 'jsonb') THEN
        l_key := in_key::jsonb;
    ELSIF ltrim(in_key) NOT LIKE '{%' AND cardinality(l_identity) = 1 THEN
        l_key := jsonb_build_object(l_identity[1], in_key);
    ELSE
        l_key := '{}';
    END IF;
    IF l_key = '{}' THEN
        RAISE EXCEPTION 'A row of % is named by %, not by: %', in_table, array_to_string(l_identity, ', '), in_key
            USING ERRCODE = 'AS102', HINT = 'Give columns and values as JSON, as in {"date_key": 20240105}.';
    END IF;
    SELECT string_agg(k.name, ', ' ORDER BY k.name) INTO l_unknown FROM jsonb_object_keys(l_key) AS k (name)
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_attribute AS a
        WHERE a.attrelid = l_relation AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
    );
    IF l_unknown IS NOT NULL THEN
        RAISE EXCEPTION '% has no column %.', in_table, l_unknown
            USING ERRCODE = 'AS103', HINT = format('A row of it is named by %s.', array_to_string(l_identity, ', '));
    END IF;
    BEGIN
        EXECUTE format(
            'SELECT ARRAY(SELECT to_jsonb(t) FROM %1$s AS t, jsonb_populate_record(NULL::%1$s, $1) AS k WHERE %2$s LIMIT 2)',
            l_relation,
            (SELECT string_agg(format('t.%1$I = k.%1$I', k.name), ' AND ') FROM jsonb_object_keys(l_key) AS k (name))
        ) INTO l_rows USING l_key;
    EXCEPTION
        WHEN data_exception THEN
            RAISE EXCEPTION 'No row of % can have the key %: %', in_table, l_key, SQLERRM
                USING ERRCODE = 'AS102', HINT = format('A row is named by %s.', array_to_string(l_identity, ', '));
    END;
    IF cardinality(l_rows) <> 1 THEN
        RAISE EXCEPTION '% of % with the key %.',
            CASE WHEN cardinality(l_rows) = 0 THEN 'There is no row' ELSE 'There are several rows' END, in_table, l_key
            USING ERRCODE = CASE WHEN cardinality(l_rows) = 0 THEN 'AS100' ELSE 'AS101' END,
                  HINT = format('One row is named by %s.', array_to_string(l_identity, ', '));
    END IF;
    RETURN l_rows[1];
END
$$;
COMMENT ON FUNCTION dwh_lineage.find_row(text, text) IS 'The row of a table that a key names, as JSON';
