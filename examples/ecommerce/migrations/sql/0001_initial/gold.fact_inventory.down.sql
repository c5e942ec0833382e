SELECT dwh_lineage.forget_target('gold.fact_inventory');
DROP FUNCTION dwh_etl.origins_gold_fact_inventory(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_fact_inventory(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_fact_inventory(uuid);
DROP FUNCTION dwh_etl.checks_gold_fact_inventory(bigint, bigint[]);
DROP TABLE gold.fact_inventory;
SELECT dwh_etl.ensure_images('gold.dim_date');
SELECT dwh_etl.ensure_images('silver.stock');
SELECT dwh_etl.ensure_images('gold.dim_product');
