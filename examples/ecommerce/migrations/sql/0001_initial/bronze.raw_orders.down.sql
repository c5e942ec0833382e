SELECT dwh_etl.refuse_if_rows('bronze.raw_orders_rows');
SELECT dwh_lineage.forget_target('bronze.raw_orders');
DROP ROUTINE dwh_etl.ingest_daily_orders;
DROP ROUTINE dwh_etl.ingest_orders;
DROP VIEW bronze.raw_orders;
DROP TABLE bronze.raw_orders_rows;
