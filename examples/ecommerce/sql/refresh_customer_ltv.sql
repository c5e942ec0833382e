-- Refreshes gold.mv_customer_lifetime_value while people read it.
CREATE PROCEDURE dwh_etl.refresh_customer_ltv()
LANGUAGE sql
AS $$
    CALL dwh_etl.rebuild_gold_mv_customer_lifetime_value();
$$;
COMMENT ON PROCEDURE dwh_etl.refresh_customer_ltv() IS 'Refreshes gold.mv_customer_lifetime_value';
