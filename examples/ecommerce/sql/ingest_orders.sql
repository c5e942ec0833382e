-- dwh_etl.ingest_daily_orders under its other name. Takes the day and the run's id.
CREATE PROCEDURE dwh_etl.ingest_orders(in_date date DEFAULT current_date - 1, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.ingest_daily_orders(in_date, in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_orders(date, uuid) IS 'Ingests the orders of a day';
