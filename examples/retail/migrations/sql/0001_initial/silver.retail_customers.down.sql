SELECT dwh_etl.refuse_if_frozen('silver.retail_customers');
SELECT dwh_lineage.forget_target('silver.retail_customers');
DROP PROCEDURE dwh_etl.load_silver_retail_customers(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_retail_customers(uuid);
DROP PROCEDURE dwh_etl.fold_silver_retail_customers(uuid, boolean, bigint, bigint, bigint);
DROP PROCEDURE dwh_etl.freeze_silver_retail_customers(timestamptz);
DROP FUNCTION dwh_etl.outcomes_silver_retail_customers();
DROP FUNCTION dwh_etl.evaluate_silver_retail_customers(bigint[], text[]);
DROP TABLE silver.retail_customers, dwh_staging.silver_retail_customers_base;
