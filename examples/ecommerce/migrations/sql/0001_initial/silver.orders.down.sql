SELECT dwh_etl.refuse_if_frozen('silver.orders');
SELECT dwh_lineage.forget_target('silver.orders');
DROP ROUTINE dwh_etl.load_silver_orders_incremental;

DROP PROCEDURE dwh_etl.load_silver_orders(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_orders(uuid);
DROP PROCEDURE dwh_etl.replay_silver_orders(bigint, bigint[], uuid);
DROP PROCEDURE dwh_etl.fold_silver_orders(uuid, boolean, bigint, bigint, bigint);
DROP PROCEDURE dwh_etl.freeze_silver_orders(timestamptz);
DROP FUNCTION dwh_etl.outcomes_silver_orders();
DROP PROCEDURE dwh_etl.evidence_silver_orders(uuid);
DROP FUNCTION dwh_etl.evaluate_silver_orders(bigint[], text[], bigint[]);
DROP TABLE silver.orders, dwh_staging.silver_orders_base;
