-- Computes gold.agg_daily_sales again, although nothing waits for it. Takes a day's key, for whoever names one; every day
-- that differs is written.
CREATE PROCEDURE dwh_etl.refresh_agg_daily_sales(in_date_key integer DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.rebuild_gold_agg_daily_sales();
$$;
COMMENT ON PROCEDURE dwh_etl.refresh_agg_daily_sales(integer) IS 'Computes gold.agg_daily_sales again';
