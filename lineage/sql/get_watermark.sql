-- Up to when a table has taken what its sources committed; -infinity where it has taken nothing yet, never NULL, so
-- that "newer than the watermark" always has an answer. Takes a table's name. Locks nothing.
CREATE FUNCTION dwh_etl.get_watermark(in_table_name text)
RETURNS timestamptz
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT w.watermark_value FROM dwh_lineage.watermarks AS w WHERE w.table_name = in_table_name),
        '-infinity'::timestamptz
    )
$$;
COMMENT ON FUNCTION dwh_etl.get_watermark(text) IS 'Up to when a table has taken what its sources committed';
