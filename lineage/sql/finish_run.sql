-- Ends a run none of whose steps is live, with its rows and seconds as metrics. Called by settle_run.
CREATE FUNCTION dwh_lineage.finish_run(in_run bigint)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE dwh_lineage.pipeline_runs AS r
    SET status = CASE
            WHEN steps.all_done THEN 'completed'
            WHEN r.status = 'cancelling' THEN 'cancelled'
            ELSE 'failed'
        END,
        completed_at = clock_timestamp(), error_message = CASE WHEN NOT steps.all_done THEN steps.error END,
        metrics = to_jsonb(counts) || jsonb_build_object(
            'seconds', round(extract(epoch FROM clock_timestamp() - coalesce(r.started_at, r.created_at)), 3)
        )
    FROM (
        SELECT bool_and(s.state IN ('succeeded', 'skipped')) AS all_done,
               (array_agg(format('%s: %s', s.target, s.error_message) ORDER BY s.position)
                   FILTER (WHERE s.state = 'failed' OR s.error_sqlstate = '57014'))[1] AS error
        FROM dwh_lineage.run_steps AS s
        WHERE s.run_id = in_run
        HAVING bool_and(s.state IN ('succeeded', 'skipped', 'failed', 'cancelled', 'upstream_failed'))
    ) AS steps
    CROSS JOIN LATERAL (
        SELECT count(*) AS batches, coalesce(sum(b.rows_read), 0) AS rows_read,
               coalesce(sum(b.rows_inserted), 0) AS rows_inserted, coalesce(sum(b.rows_updated), 0) AS rows_updated,
               coalesce(sum(b.rows_deleted), 0) AS rows_deleted, coalesce(sum(b.rows_rejected), 0) AS rows_rejected
        FROM dwh_lineage.run_steps AS s
        JOIN dwh_lineage.batches AS b ON b.batch_no = s.batch_no
        WHERE s.run_id = in_run
    ) AS counts
    WHERE r.run_id = in_run AND r.status IN ('pending', 'running', 'cancelling')
$$;
COMMENT ON FUNCTION dwh_lineage.finish_run(bigint) IS 'Ends a run none of whose steps is live';
