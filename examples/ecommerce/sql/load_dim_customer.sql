-- The load of gold.dim_customer under its other name. Takes the run's id.
CREATE PROCEDURE dwh_etl.load_dim_customer(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_gold_dim_customer(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.load_dim_customer(uuid) IS 'Loads gold.dim_customer';
