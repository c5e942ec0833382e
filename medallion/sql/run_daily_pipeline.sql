-- Runs the pipeline `daily` in this session, or where none has that name `daily_etl`, with in_date as its parameter
-- `date`. As run_pipeline.
CREATE PROCEDURE dwh_etl.run_daily_pipeline(in_date date DEFAULT current_date - 1)
LANGUAGE plpgsql
AS $$
DECLARE
    l_pipeline text := coalesce(
        (SELECT min(p.name) FROM dwh_lineage.pipelines AS p WHERE p.name IN ('daily', 'daily_etl')), 'daily'
    );
BEGIN
    CALL dwh_etl.run_pipeline(l_pipeline, jsonb_build_object('date', in_date));
END
$$;
COMMENT ON PROCEDURE dwh_etl.run_daily_pipeline(date) IS 'Runs the pipeline daily in this session';
