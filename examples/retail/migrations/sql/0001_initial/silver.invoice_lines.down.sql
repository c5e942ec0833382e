SELECT dwh_etl.refuse_if_frozen('silver.invoice_lines');
SELECT dwh_lineage.forget_target('silver.invoice_lines');
DROP PROCEDURE dwh_etl.load_silver_invoice_lines(uuid);
DROP PROCEDURE dwh_etl.rebuild_silver_invoice_lines(uuid);
DROP PROCEDURE dwh_etl.replay_silver_invoice_lines(bigint, bigint[], uuid);
DROP FUNCTION dwh_etl.outcomes_silver_invoice_lines();
DROP PROCEDURE dwh_etl.evidence_silver_invoice_lines(uuid);
DROP FUNCTION dwh_etl.evaluate_silver_invoice_lines(bigint[], text[], bigint[]);
DROP TABLE silver.invoice_lines;
