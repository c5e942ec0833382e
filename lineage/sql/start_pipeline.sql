-- Records a run that begins now and returns its id, which all its loads share. Locks nothing.
CREATE FUNCTION dwh_lineage.start_pipeline(in_pipeline_name text, in_parameters jsonb DEFAULT '{}')
RETURNS uuid
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO dwh_lineage.pipeline_runs (pipeline_name, parameters, status, started_at, trigger, requested_by)
    VALUES (in_pipeline_name, coalesce(in_parameters, '{}'), 'running', clock_timestamp(), 'sql', session_user)
    RETURNING batch_id
$$;
COMMENT ON FUNCTION dwh_lineage.start_pipeline(text, jsonb) IS 'Records a run that begins now';
