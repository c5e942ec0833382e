SELECT dwh_lineage.forget_target('gold.agg_customer_ltv');
DROP FUNCTION dwh_etl.origins_gold_agg_customer_ltv(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_agg_customer_ltv(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_agg_customer_ltv(uuid);
DROP TABLE gold.agg_customer_ltv;
SELECT dwh_etl.ensure_images('gold.fact_sales');
SELECT dwh_etl.ensure_images('gold.dim_customer');
SELECT dwh_etl.ensure_images('gold.dim_date');
SELECT dwh_etl.ensure_images('gold.agg_customer_ltv');
