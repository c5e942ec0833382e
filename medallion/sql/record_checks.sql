-- Records what the checks of a gold table measured (pg_temp.measured) as metrics. Takes the run's id. Locks nothing.
CREATE FUNCTION dwh_etl.record_checks(in_target text, in_batch_id uuid)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO dwh_lineage.quality_metrics (
        run_id, batch_id, table_name, metric_name, metric_value, threshold, passed, details
    )
    SELECT (SELECT p.run_id FROM dwh_lineage.pipeline_runs AS p WHERE p.batch_id = in_batch_id), in_batch_id,
        in_target, m.name, m.value, m.threshold, m.value <= m.threshold,
        jsonb_build_object('said', replace(m.sentence, '{}', trim_scale(round(m.value, 4))::text))
    FROM pg_temp.measured AS m;
END
$$;
COMMENT ON FUNCTION dwh_etl.record_checks(text, uuid) IS 'Records what the checks of a gold table measured';
