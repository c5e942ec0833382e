-- Ingests the shop's file of a day from the folder that the setting assay.files names. Takes the day and the run's id.
CREATE PROCEDURE dwh_etl.ingest_daily_orders(in_date date, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    SELECT dwh_etl.ingest_csv_file(
        'bronze.raw_orders', to_char(in_date, '"ecommerce/shop/orders_"YYYY-MM-DD".csv"'), 'shop_orders', in_batch_id
    );
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_daily_orders(date, uuid) IS 'Ingests the orders of a day';
