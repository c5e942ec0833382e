-- Loads what is new into silver.orders, which is what its load does. Takes the run's id.
CREATE PROCEDURE dwh_etl.load_silver_orders_incremental(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_silver_orders(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.load_silver_orders_incremental(uuid) IS 'Loads what is new into silver.orders';
