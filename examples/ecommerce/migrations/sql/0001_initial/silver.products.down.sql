SELECT dwh_lineage.forget_target('silver.products');
DROP PROCEDURE dwh_etl.load_silver_products(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_products(uuid);
DROP PROCEDURE dwh_etl.replay_silver_products(bigint, bigint[], uuid);
DROP PROCEDURE dwh_etl.fold_silver_products(uuid, boolean, bigint, bigint, bigint);
DROP FUNCTION dwh_etl.outcomes_silver_products();
DROP FUNCTION dwh_etl.evaluate_silver_products(bigint[], text[], bigint[]);
DROP TABLE silver.products;
