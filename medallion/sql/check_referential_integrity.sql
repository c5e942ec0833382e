-- How many rows of a table have a key that is nowhere in another; NULL refers to nobody. Takes names as texts, a run's id
-- (with one, a metric `referential_integrity_<column>` is recorded) and a filter: a condition over the child's columns, run
-- with the caller's rights. AS084 where there is no such table or column. Locks nothing.
CREATE FUNCTION dwh_etl.check_referential_integrity(
    in_child_table text,
    in_child_column text,
    in_parent_table text,
    in_parent_column text,
    in_batch_id uuid DEFAULT NULL,
    in_filter text DEFAULT NULL
)
RETURNS TABLE (passed boolean, orphan_count bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_child regclass := dwh_etl.relation_named(in_child_table, in_child_column);
    l_parent regclass := dwh_etl.relation_named(in_parent_table, in_parent_column);
BEGIN
    EXECUTE format(
        'SELECT count(*) FROM (SELECT * FROM %s AS t WHERE %s) AS c '
        'WHERE c.%I IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE p.%I = c.%I)',
        l_child, coalesce(in_filter, 'true'), in_child_column, l_parent, in_parent_column, in_child_column
    ) INTO orphan_count;
    passed := orphan_count = 0;
    PERFORM dwh_etl.record_measure(
        in_child_table, in_batch_id, 'referential_integrity_' || in_child_column, orphan_count, jsonb_build_object(
            'child_column', in_child_column, 'parent_table', in_parent_table, 'parent_column', in_parent_column,
            'filter', in_filter
        )
    );
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_referential_integrity(text, text, text, text, uuid, text)
    IS 'Counts rows whose key leads nowhere';
