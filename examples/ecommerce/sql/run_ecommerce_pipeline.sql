-- Runs the pipeline ecommerce_daily in this session, with in_date as its parameter `date`. As run_pipeline.
CREATE PROCEDURE dwh_etl.run_ecommerce_pipeline(in_date date DEFAULT current_date - 1)
LANGUAGE plpgsql
AS $$
BEGIN
    CALL dwh_etl.run_pipeline('ecommerce_daily', jsonb_build_object('date', in_date));
END
$$;
COMMENT ON PROCEDURE dwh_etl.run_ecommerce_pipeline(date) IS 'Runs the pipeline ecommerce_daily in this session';
