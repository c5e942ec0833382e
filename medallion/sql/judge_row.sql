-- What the rules of a silver table say of a row that nobody has sent: the rules that it breaks, by the routine with which
-- loads judge rows; no row where it would land. in_target: a silver table; in_row: the source's columns and their texts.
-- Nothing stays: the row is written to bronze and taken back. AS010 where the table is not installed; AS063 where its
-- source has no such column. Locks as an INSERT into bronze does.
CREATE FUNCTION dwh_etl.judge_row(in_target text, in_row jsonb)
RETURNS TABLE (rule text, column_name text, message text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    l_source text;
    l_columns text[];
    l_unknown text;
    l_row bigint;
    l_broken smallint[];
BEGIN
    SELECT t.contract ->> 'source', ARRAY(SELECT jsonb_array_elements_text(t.contract -> 'source_columns'))
    INTO l_source, l_columns
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'silver';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The silver table % is not installed.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare it in a warehouse.py, then run makemigrations and migrate.';
    END IF;
    SELECT string_agg(k, ', ') INTO l_unknown FROM jsonb_object_keys(in_row) AS k WHERE k <> ALL (l_columns);
    IF l_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'The source of % has no column %.', in_target, l_unknown
            USING ERRCODE = 'AS063', HINT = format('It has: %s.', array_to_string(l_columns, ', '));
    END IF;
    BEGIN
        EXECUTE format(
            'INSERT INTO %s (%s) SELECT %s RETURNING _bronze_id',
            (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = l_source)::regclass,
            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(l_columns) AS c),
            (SELECT string_agg(format('$1 ->> %L', c), ', ') FROM unnest(l_columns) AS c)
        ) INTO l_row USING in_row;
        EXECUTE format(
            'SELECT v._broken FROM dwh_etl.%I(NULL, NULL, ARRAY[$1]) AS v', 'evaluate_' || replace(in_target, '.', '_')
        ) INTO l_broken USING l_row;
        RAISE EXCEPTION USING ERRCODE = 'AS097';
    EXCEPTION WHEN SQLSTATE 'AS097' THEN
        NULL;  -- what was written is taken back; what was found is not
    END;
    RETURN QUERY
    SELECT q.rule::text, q.column_name::text, q.message::text
    FROM dwh_lineage.quality_rules AS q
    WHERE q.target = in_target AND q.active AND q.position = ANY (l_broken)
    ORDER BY q.position;
END
$$;
COMMENT ON FUNCTION dwh_etl.judge_row(text, jsonb) IS 'What the rules of a silver table say of a row';
