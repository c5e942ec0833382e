SELECT dwh_etl.refuse_if_rows('bronze.raw_order_items_rows');
SELECT dwh_lineage.forget_target('bronze.raw_order_items');
DROP VIEW bronze.raw_order_items;
DROP TABLE bronze.raw_order_items_rows;
