-- Records a metric "rejected" for each batch in pg_temp.evaluated: its rejected rows (with in_is_share, percent of its
-- rows) against the limit. Takes the run's id. Locks nothing.
CREATE FUNCTION dwh_etl.measure_rejected(in_target text, in_batch_id uuid, in_limit numeric, in_is_share boolean)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO dwh_lineage.quality_metrics (
        run_id, batch_id, table_name, metric_name, metric_value, threshold, passed, details
    )
    SELECT (SELECT p.run_id FROM dwh_lineage.pipeline_runs AS p WHERE p.batch_id = in_batch_id), in_batch_id,
        in_target, 'rejected',
        CASE WHEN in_is_share THEN round(100.0 * r.rejected / r.all_rows, 4) ELSE r.rejected END, in_limit,
        NOT r.too_many,
        jsonb_build_object('batch_no', r.batch_no, 'rows', r.all_rows, 'rejected', r.rejected)
    FROM dwh_etl.rejected_by_batch(in_target, in_limit, in_is_share) AS r;
$$;
COMMENT ON FUNCTION dwh_etl.measure_rejected(text, uuid, numeric, boolean) IS 'Records the share of rejected rows';
