SELECT dwh_lineage.forget_target('gold.agg_product_performance');
DROP FUNCTION dwh_etl.origins_gold_agg_product_performance(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_agg_product_performance(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_agg_product_performance(uuid);
DROP TABLE gold.agg_product_performance;
SELECT dwh_etl.ensure_images('gold.fact_sales');
SELECT dwh_etl.ensure_images('gold.dim_product');
SELECT dwh_etl.ensure_images('silver.stock');
SELECT dwh_etl.ensure_images('gold.agg_product_performance');
