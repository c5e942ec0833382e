-- Turns the flags of gold.dim_date to today (UTC); maintenance does it every hour.
CREATE PROCEDURE dwh_etl.update_dim_date_flags()
LANGUAGE sql
AS $$
    CALL dwh_etl.flags_gold_dim_date();
$$;
COMMENT ON PROCEDURE dwh_etl.update_dim_date_flags() IS 'Turns the flags of gold.dim_date to today';
