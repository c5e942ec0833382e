SELECT dwh_lineage.forget_target('gold.retail_daily_revenue');
DROP FUNCTION dwh_etl.origins_gold_retail_daily_revenue(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_retail_daily_revenue(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_retail_daily_revenue(uuid);
DROP TABLE gold.retail_daily_revenue;
SELECT dwh_etl.ensure_images('silver.invoice_lines');
SELECT dwh_etl.ensure_images('gold.retail_daily_revenue');
