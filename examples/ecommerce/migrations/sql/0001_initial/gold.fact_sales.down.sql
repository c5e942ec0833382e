SELECT dwh_lineage.forget_target('gold.fact_sales');
DROP ROUTINE dwh_etl.load_fact_sales;
DROP ROUTINE dwh_etl.create_fact_partitions;
DROP FUNCTION dwh_etl.origins_gold_fact_sales(jsonb, text, jsonb);
DROP PROCEDURE dwh_etl.load_gold_fact_sales(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_fact_sales(uuid);
DROP FUNCTION dwh_etl.checks_gold_fact_sales(bigint, bigint[]);
DROP TABLE gold.fact_sales;
