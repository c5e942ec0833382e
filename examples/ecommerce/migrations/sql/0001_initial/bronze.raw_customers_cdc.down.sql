SELECT dwh_etl.refuse_if_rows('bronze.raw_customers_cdc_rows');
SELECT dwh_lineage.forget_target('bronze.raw_customers_cdc');
DROP PROCEDURE dwh_etl.land_bronze_raw_customers_cdc;
DROP VIEW bronze.raw_customers_cdc;
DROP TABLE bronze.raw_customers_cdc_rows;
