-- Runs a pipeline in this session, without a worker: the same loads in the same order with the same records as from
-- Python, committing between steps. For psql (`CALL dwh_etl.run_pipeline('retail_daily')`) and pg_cron; Python never
-- calls it. Takes the pipeline's name, as in dwh_lineage.pipelines, and the run's parameters.
-- Raises AS023 where a run of it lives, AS025 where this one failed: everything is recorded by then.
-- It commits, so it is no SECURITY DEFINER, pins no search_path and must not be called inside a transaction.
CREATE PROCEDURE dwh_etl.run_pipeline(in_pipeline text, in_parameters jsonb DEFAULT '{}')
LANGUAGE plpgsql
AS $$
DECLARE
    l_pipeline dwh_lineage.pipelines;
    l_run bigint;
BEGIN
    COMMIT;  -- inside of somebody's transaction this is refused, now and not in the middle
    SELECT p.* INTO l_pipeline FROM dwh_lineage.pipelines AS p WHERE p.name = in_pipeline;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no pipeline %.', in_pipeline
            USING ERRCODE = 'AS022', HINT = format('Pipelines: %s.', coalesce(
                (SELECT string_agg(p.name, ', ' ORDER BY p.name) FROM dwh_lineage.pipelines AS p),
                'none; declare one in a warehouse.py and migrate'
            ));
    END IF;
    l_run := dwh_lineage.open_run(
        in_pipeline, l_pipeline.targets, in_parameters,
        in_time_limit => l_pipeline.time_limit, in_step_time_limit => l_pipeline.step_time_limit
    );
    COMMIT;
    CALL dwh_etl.work_at_run(l_run);
END
$$;
COMMENT ON PROCEDURE dwh_etl.run_pipeline(text, jsonb) IS 'Runs a pipeline in this session';
