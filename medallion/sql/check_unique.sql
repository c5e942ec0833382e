-- How many combinations of values are in a table more than once. Takes names as texts, a run's id (with one, a metric
-- `unique_check_<columns>` is recorded) and a filter: a condition over the table's columns, run with the caller's rights;
-- of a table with history `is_current`. AS084 where there is no such table or column. Locks nothing.
CREATE FUNCTION dwh_etl.check_unique(
    in_table text,
    in_columns text[],
    in_batch_id uuid DEFAULT NULL,
    in_filter text DEFAULT NULL
)
RETURNS TABLE (passed boolean, duplicate_count bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := dwh_etl.relation_named(in_table, VARIADIC in_columns);
BEGIN
    IF coalesce(cardinality(in_columns), 0) = 0 THEN
        RAISE EXCEPTION 'No column of % is named.', in_table
            USING ERRCODE = 'AS084', HINT = 'Name at least one, as in ARRAY[''customer_id''].';
    END IF;
    EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM %s AS t WHERE %s GROUP BY %s HAVING count(*) > 1) AS d',
        l_relation, coalesce(in_filter, 'true'), (SELECT string_agg(format('t.%I', c), ', ') FROM unnest(in_columns) AS c)
    ) INTO duplicate_count;
    passed := duplicate_count = 0;
    PERFORM dwh_etl.record_measure(
        in_table, in_batch_id, 'unique_check_' || array_to_string(in_columns, '_'), duplicate_count,
        jsonb_build_object('columns', in_columns, 'duplicate_groups', duplicate_count, 'filter', in_filter)
    );
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_unique(text, text[], uuid, text) IS 'Counts combinations that are there more than once';
