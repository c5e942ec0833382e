-- How many rows of a table lack a value in a column. Takes names as texts, a run's id (with one, a metric
-- `null_check_<column>` is recorded) and a filter: a condition over the table's columns, run with the caller's rights.
-- AS084 where there is no such table or column. Locks nothing.
CREATE FUNCTION dwh_etl.check_not_null(
    in_table text,
    in_column text,
    in_batch_id uuid DEFAULT NULL,
    in_filter text DEFAULT NULL
)
RETURNS TABLE (passed boolean, null_count bigint, total_count bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := dwh_etl.relation_named(in_table, in_column);
BEGIN
    EXECUTE format(
        'SELECT count(*) FILTER (WHERE t.%I IS NULL), count(*) FROM %s AS t WHERE %s',
        in_column, l_relation, coalesce(in_filter, 'true')
    ) INTO null_count, total_count;
    passed := null_count = 0;
    PERFORM dwh_etl.record_measure(in_table, in_batch_id, 'null_check_' || in_column, null_count, jsonb_build_object(
        'column', in_column, 'null_count', null_count, 'total_count', total_count, 'filter', in_filter
    ));
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_not_null(text, text, uuid, text) IS 'Counts rows that lack a value';
