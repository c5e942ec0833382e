-- Records a count that may not be above 0 as a metric of a run; nothing without a run. Called by the functions check_…
-- Locks nothing.
CREATE FUNCTION dwh_etl.record_measure(
    in_table text,
    in_batch_id uuid,
    in_metric text,
    in_count bigint,
    in_details jsonb
)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO dwh_lineage.quality_metrics (
        run_id, batch_id, table_name, metric_name, metric_value, threshold, passed, details
    )
    SELECT (SELECT p.run_id FROM dwh_lineage.pipeline_runs AS p WHERE p.batch_id = in_batch_id), in_batch_id,
        in_table, in_metric, in_count, 0, in_count = 0, jsonb_strip_nulls(in_details)
    WHERE in_batch_id IS NOT NULL;
$$;
COMMENT ON FUNCTION dwh_etl.record_measure(text, uuid, text, bigint, jsonb) IS 'Records what a function check_… counted';
