SELECT dwh_lineage.forget_target('gold.agg_daily_sales');
DROP ROUTINE dwh_etl.refresh_agg_daily_sales;
DROP FUNCTION dwh_etl.origins_gold_agg_daily_sales(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_agg_daily_sales(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_agg_daily_sales(uuid);
DROP FUNCTION dwh_etl.checks_gold_agg_daily_sales(bigint, bigint[]);
DROP TABLE gold.agg_daily_sales;
