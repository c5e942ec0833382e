SELECT dwh_lineage.forget_target('silver.retail_customers');
DROP PROCEDURE dwh_etl.load_silver_retail_customers(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_retail_customers(uuid);
DROP PROCEDURE dwh_etl.replay_silver_retail_customers(bigint, bigint[], uuid);
DROP PROCEDURE dwh_etl.fold_silver_retail_customers(uuid, boolean, bigint, bigint, bigint);
DROP FUNCTION dwh_etl.outcomes_silver_retail_customers();
DROP FUNCTION dwh_etl.evaluate_silver_retail_customers(bigint[], text[], bigint[]);
DROP TABLE silver.retail_customers;
