-- Ingests yesterday's customers: dwh_etl.ingest_daily_customers for whoever names no day. Takes the run's id.
CREATE PROCEDURE dwh_etl.ingest_customers(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.ingest_daily_customers(current_date - 1, in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_customers(uuid) IS 'Ingests yesterday''s customers';
