SELECT dwh_etl.refuse_if_rows('bronze.raw_products_rows');
SELECT dwh_lineage.forget_target('bronze.raw_products');
DROP VIEW bronze.raw_products;
DROP TABLE bronze.raw_products_rows;
