-- A due step of a run that is no backfill's, for workers of the same queue; NULL where there is none, or where in_step
-- itself is no backfill's. A doorbell rings in the order of its messages; this is how live runs overtake backfills.
-- Locks nothing. Uses index run_steps_due_idx
CREATE FUNCTION dwh_lineage.step_ahead(in_step bigint)
RETURNS bigint
LANGUAGE sql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.id
    FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.pipeline_runs AS r
        ON r.run_id = s.run_id AND r.status IN ('pending', 'running') AND r.backfill_id IS NULL
    WHERE s.state IN ('queued', 'retrying') AND (s.state = 'queued' OR s.due_at <= clock_timestamp())
        AND dwh_lineage.queue_of(s.id) = dwh_lineage.queue_of(in_step)
        AND EXISTS (
            SELECT 1 FROM dwh_lineage.run_steps AS mine
            JOIN dwh_lineage.pipeline_runs AS b ON b.run_id = mine.run_id AND b.backfill_id IS NOT NULL
            WHERE mine.id = in_step
        )
    ORDER BY s.due_at
    LIMIT 1
$$;
COMMENT ON FUNCTION dwh_lineage.step_ahead(bigint) IS 'A live step that goes before a backfill''s';
