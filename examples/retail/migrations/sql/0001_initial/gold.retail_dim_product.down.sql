SELECT dwh_lineage.forget_target('gold.retail_dim_product');
DROP FUNCTION dwh_etl.origins_gold_retail_dim_product(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_retail_dim_product(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_retail_dim_product(uuid);
CALL dwh_etl.release_references('gold.retail_dim_product');
DROP TABLE gold.retail_dim_product;
SELECT dwh_etl.ensure_images('silver.invoice_lines');
SELECT dwh_etl.ensure_images('gold.retail_dim_product');
