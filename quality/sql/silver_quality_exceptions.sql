-- The exceptions under the guide's name and with its columns.
CREATE VIEW silver.quality_exceptions AS
SELECT id, source_table, source_id, bronze_id, issues, source_data, detected_at, resolved_at, resolution,
    target_table, state
FROM dwh_lineage.quality_exceptions;
COMMENT ON VIEW silver.quality_exceptions IS 'Rows that broke a rule';
