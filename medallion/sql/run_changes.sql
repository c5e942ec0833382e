-- Which tables a run changed, a row for each load: how many rows, how it went (a gold load's note), and whether each row is
-- kept before and after: yes; no, it changed much of its table; gone, when it was trimmed or the server crashed; never,
-- where no images are kept of the table. Locks nothing.
CREATE FUNCTION dwh_etl.run_changes(in_run bigint)
RETURNS TABLE (
    target text, batch_no bigint, rows_inserted bigint, rows_updated bigint, rows_deleted bigint, notes text, kept text
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        b.target, b.batch_no, coalesce(b.rows_inserted, 0), coalesce(b.rows_updated, 0), coalesce(b.rows_deleted, 0),
        (
            SELECT l.notes FROM dwh_lineage.table_lineage AS l
            WHERE l.batch_no = b.batch_no AND l.notes IS NOT NULL LIMIT 1
        ),
        CASE
            WHEN i.everything THEN 'no'
            WHEN i.batch_no IS NOT NULL THEN 'yes'
            WHEN coalesce(b.rows_inserted, 0) + coalesce(b.rows_updated, 0) + coalesce(b.rows_deleted, 0) = 0 THEN 'yes'
            WHEN EXISTS (
                SELECT 1 FROM pg_trigger AS g
                WHERE g.tgrelid = to_regclass(t.rows_relation) AND g.tgname = 'keep_changed_rows'
            ) THEN 'gone'
            ELSE 'never'
        END
    FROM dwh_lineage.pipeline_runs AS r
    JOIN dwh_lineage.batches AS b ON b.batch_id = r.batch_id AND b.completed_at IS NOT NULL
    JOIN dwh_lineage.targets AS t ON t.target = b.target AND t.layer <> 'bronze'
    LEFT JOIN dwh_staging.images AS i ON i.batch_no = b.batch_no
    WHERE r.run_id = in_run
    ORDER BY b.batch_no
$$;
COMMENT ON FUNCTION dwh_etl.run_changes(bigint) IS 'Which tables a run changed, and whether their rows are kept before and after';
