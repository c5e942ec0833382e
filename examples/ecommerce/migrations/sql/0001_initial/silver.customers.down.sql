SELECT dwh_etl.refuse_if_frozen('silver.customers');
SELECT dwh_lineage.forget_target('silver.customers');
DROP ROUTINE dwh_etl.validate_customer;

DROP PROCEDURE dwh_etl.load_silver_customers(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_customers(uuid);
DROP PROCEDURE dwh_etl.replay_silver_customers(bigint, bigint[], uuid);
DROP PROCEDURE dwh_etl.fold_silver_customers(uuid, boolean, bigint, bigint, bigint);
DROP PROCEDURE dwh_etl.freeze_silver_customers(timestamptz);
DROP FUNCTION dwh_etl.outcomes_silver_customers();
DROP PROCEDURE dwh_etl.evidence_silver_customers(uuid);
DROP FUNCTION dwh_etl.evaluate_silver_customers(bigint[], text[], bigint[]);
DROP TABLE silver.customers, dwh_staging.silver_customers_base;
