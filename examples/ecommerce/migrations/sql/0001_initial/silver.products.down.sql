SELECT dwh_etl.refuse_if_frozen('silver.products');
SELECT dwh_lineage.forget_target('silver.products');
DROP PROCEDURE dwh_etl.load_silver_products(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_products(uuid);
DROP PROCEDURE dwh_etl.fold_silver_products(uuid, boolean, bigint, bigint, bigint);
DROP PROCEDURE dwh_etl.freeze_silver_products(timestamptz);
DROP FUNCTION dwh_etl.outcomes_silver_products();
DROP FUNCTION dwh_etl.evaluate_silver_products(bigint[], text[]);
DROP TABLE silver.products, dwh_staging.silver_products_base;
