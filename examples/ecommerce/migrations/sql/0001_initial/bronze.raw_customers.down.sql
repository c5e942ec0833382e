SELECT dwh_etl.refuse_if_rows('bronze.raw_customers_rows');
SELECT dwh_lineage.forget_target('bronze.raw_customers');
DROP ROUTINE dwh_etl.ingest_customers_csv;
DROP ROUTINE dwh_etl.ingest_daily_customers;
DROP ROUTINE dwh_etl.ingest_customers;
DROP VIEW bronze.raw_customers;
DROP TABLE bronze.raw_customers_rows;
