SELECT dwh_etl.refuse_if_rows('bronze.raw_stock_rows');
SELECT dwh_lineage.forget_target('bronze.raw_stock');
DROP VIEW bronze.raw_stock;
DROP TABLE bronze.raw_stock_rows;
