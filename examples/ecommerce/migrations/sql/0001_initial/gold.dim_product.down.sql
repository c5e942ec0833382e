SELECT dwh_lineage.forget_target('gold.dim_product');
DROP FUNCTION dwh_etl.origins_gold_dim_product(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_dim_product(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_dim_product(uuid);
CALL dwh_etl.release_references('gold.dim_product');
DROP TABLE gold.dim_product;
SELECT dwh_etl.ensure_images('silver.products');
SELECT dwh_etl.ensure_images('gold.dim_product');
