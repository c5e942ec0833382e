-- Loads gold.fact_sales. Takes a day, for whoever calls it by its date, and the run's id. Whatever changed is written, of
-- other days too: a late correction belongs to its own day.
CREATE PROCEDURE dwh_etl.load_fact_sales(in_date date DEFAULT NULL, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_gold_fact_sales(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.load_fact_sales(date, uuid) IS 'Loads gold.fact_sales';
