SELECT dwh_lineage.forget_target('silver.orders');
DROP PROCEDURE dwh_etl.load_silver_orders(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_orders(uuid);
DROP PROCEDURE dwh_etl.replay_silver_orders(bigint, bigint[], uuid);
DROP PROCEDURE dwh_etl.fold_silver_orders(uuid, boolean, bigint, bigint, bigint);
DROP FUNCTION dwh_etl.outcomes_silver_orders();
DROP FUNCTION dwh_etl.evaluate_silver_orders(bigint[], text[], bigint[]);
DROP TABLE silver.orders;
