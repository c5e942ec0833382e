SELECT dwh_lineage.forget_target('gold.fact_sales');
DROP PROCEDURE dwh_etl.load_gold_fact_sales(uuid);
DROP PROCEDURE dwh_etl.rebuild_gold_fact_sales(uuid);
DROP PROCEDURE dwh_etl.evidence_gold_fact_sales(uuid);
DROP TABLE gold.fact_sales;
