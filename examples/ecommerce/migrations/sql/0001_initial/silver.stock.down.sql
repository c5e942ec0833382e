SELECT dwh_etl.refuse_if_frozen('silver.stock');
SELECT dwh_lineage.forget_target('silver.stock');
DROP PROCEDURE dwh_etl.load_silver_stock(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_stock(uuid);
DROP PROCEDURE dwh_etl.fold_silver_stock(uuid, boolean, bigint, bigint, bigint);
DROP PROCEDURE dwh_etl.freeze_silver_stock(timestamptz);
DROP FUNCTION dwh_etl.outcomes_silver_stock();
DROP FUNCTION dwh_etl.evaluate_silver_stock(bigint[], text[]);
DROP TABLE silver.stock, dwh_staging.silver_stock_base;
