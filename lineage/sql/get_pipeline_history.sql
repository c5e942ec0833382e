-- The latest runs of a pipeline with their durations in seconds, tables and rows. Locks nothing.
CREATE FUNCTION dwh_lineage.get_pipeline_history(in_pipeline_name text, in_limit integer DEFAULT 10)
RETURNS TABLE (
    batch_id uuid,
    started_at timestamptz,
    completed_at timestamptz,
    duration_seconds numeric,
    status text,
    tables_processed bigint,
    total_rows bigint
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        r.batch_id,
        r.started_at,
        r.completed_at,
        extract(epoch FROM r.completed_at - r.started_at),
        r.status,
        count(DISTINCT w.target_table),
        coalesce(sum(w.rows_written), 0)::bigint
    FROM (
        -- Uses index pipeline_runs_name_idx
        SELECT * FROM dwh_lineage.pipeline_runs AS p
        WHERE p.pipeline_name = in_pipeline_name ORDER BY p.run_id DESC LIMIT in_limit
    ) AS r
    LEFT JOIN LATERAL (
        -- A load with several sources has an edge for each; what it wrote counts once.
        SELECT DISTINCT ON (coalesce(l.batch_no, -l.lineage_id))
            l.target_table,
            coalesce(l.rows_inserted, 0) + coalesce(l.rows_updated, 0) + coalesce(l.rows_deleted, 0) AS rows_written
        FROM dwh_lineage.table_lineage AS l
        WHERE l.batch_id = r.batch_id
    ) AS w ON true
    GROUP BY r.run_id, r.batch_id, r.started_at, r.completed_at, r.status
    ORDER BY r.run_id DESC
$$;
COMMENT ON FUNCTION dwh_lineage.get_pipeline_history(text, integer) IS 'The latest runs of a pipeline';
