-- Merges what is new into gold.dim_customer, which is what its load does. Takes the run's id.
CREATE PROCEDURE dwh_etl.merge_dim_customer(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_gold_dim_customer(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.merge_dim_customer(uuid) IS 'Merges what is new into gold.dim_customer';
