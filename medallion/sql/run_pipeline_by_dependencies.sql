-- Brings one table up to date, with all that feeds it, in this session. As run_pipeline; in_batch_id is the run's id,
-- NULL for a new one: a run of dwh_lineage.start_pipeline gets these steps and ends with them.
CREATE PROCEDURE dwh_etl.run_pipeline_by_dependencies(in_target_table text, in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
    l_run bigint;
BEGIN
    COMMIT;
    l_run := dwh_lineage.open_run('load ' || in_target_table, ARRAY[in_target_table], in_batch_id => in_batch_id);
    COMMIT;
    CALL dwh_etl.work_at_run(l_run);
END
$$;
COMMENT ON PROCEDURE dwh_etl.run_pipeline_by_dependencies(text, uuid) IS 'Brings a table up to date, in this session';
