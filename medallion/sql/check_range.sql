-- How many rows of a table have a value below in_min or above in_max; a bound that is NULL is none. Takes names as texts, a
-- run's id (with one, a metric `range_check_<column>` is recorded) and a filter: a condition over the table's columns, run
-- with the caller's rights. AS084 where there is no such table or column. Locks nothing.
CREATE FUNCTION dwh_etl.check_range(
    in_table text,
    in_column text,
    in_min numeric,
    in_max numeric,
    in_batch_id uuid DEFAULT NULL,
    in_filter text DEFAULT NULL
)
RETURNS TABLE (passed boolean, out_of_range_count bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := dwh_etl.relation_named(in_table, in_column);
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM (SELECT * FROM %s AS t WHERE %s) AS c WHERE c.%I < $1 OR c.%I > $2',
        l_relation, coalesce(in_filter, 'true'), in_column, in_column
    ) INTO out_of_range_count USING in_min, in_max;
    passed := out_of_range_count = 0;
    PERFORM dwh_etl.record_measure(in_table, in_batch_id, 'range_check_' || in_column, out_of_range_count,
        jsonb_build_object('column', in_column, 'min', in_min, 'max', in_max, 'filter', in_filter)
    );
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_range(text, text, numeric, numeric, uuid, text) IS 'Counts rows outside of a range';
