SELECT dwh_etl.refuse_if_rows('bronze.raw_invoice_lines_rows');
SELECT dwh_lineage.forget_target('bronze.raw_invoice_lines');
DROP VIEW bronze.raw_invoice_lines;
DROP TABLE bronze.raw_invoice_lines_rows;
