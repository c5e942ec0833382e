SELECT dwh_lineage.forget_target('gold.agg_daily_sales');
DROP ROUTINE dwh_etl.refresh_agg_daily_sales;
DROP PROCEDURE dwh_etl.load_gold_agg_daily_sales(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_agg_daily_sales(uuid);
DROP FUNCTION dwh_etl.checks_gold_agg_daily_sales(bigint, bigint[]);
DROP TABLE gold.agg_daily_sales;
SELECT dwh_etl.ensure_images('gold.fact_sales');
SELECT dwh_etl.ensure_images('gold.dim_customer');
SELECT dwh_etl.ensure_images('gold.dim_product');
