SELECT dwh_lineage.forget_target('gold.dim_customer');
DROP ROUTINE dwh_etl.load_dim_customer;
DROP ROUTINE dwh_etl.merge_dim_customer;
DROP PROCEDURE dwh_etl.load_gold_dim_customer(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_dim_customer(uuid);
CALL dwh_etl.release_references('gold.dim_customer');
DROP TABLE gold.dim_customer;
SELECT dwh_etl.ensure_images('silver.customers');
SELECT dwh_etl.ensure_images('silver.orders');
