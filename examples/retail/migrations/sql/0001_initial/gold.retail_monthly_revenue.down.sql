SELECT dwh_lineage.forget_target('gold.retail_monthly_revenue');
DROP FUNCTION dwh_etl.origins_gold_retail_monthly_revenue(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_retail_monthly_revenue(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_retail_monthly_revenue(uuid);
DROP TABLE dwh_staging.sums_gold_retail_monthly_revenue;
DROP TABLE gold.retail_monthly_revenue;
SELECT dwh_etl.ensure_images('gold.retail_daily_revenue');
SELECT dwh_etl.ensure_images('gold.retail_monthly_revenue');
