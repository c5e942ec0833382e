-- Ingests the CRM's file of a day from the folder that the setting assay.files names. Takes the day and the run's id.
CREATE PROCEDURE dwh_etl.ingest_daily_customers(in_date date, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    SELECT dwh_etl.ingest_csv_file(
        'bronze.raw_customers', to_char(in_date, '"ecommerce/crm/customers_"YYYY-MM-DD".csv"'), 'crm_customers', in_batch_id
    );
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_daily_customers(date, uuid) IS 'Ingests the customers of a day';
