SELECT dwh_etl.refuse_if_frozen('silver.order_items');
SELECT dwh_lineage.forget_target('silver.order_items');
DROP PROCEDURE dwh_etl.load_silver_order_items(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_order_items(uuid);
DROP PROCEDURE dwh_etl.fold_silver_order_items(uuid, boolean, bigint, bigint, bigint);
DROP PROCEDURE dwh_etl.freeze_silver_order_items(timestamptz);
DROP FUNCTION dwh_etl.outcomes_silver_order_items();
DROP FUNCTION dwh_etl.evaluate_silver_order_items(bigint[], text[]);
DROP TABLE silver.order_items, dwh_staging.silver_order_items_base;
