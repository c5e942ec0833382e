-- Exceptions of the tables that the person who signed in to the database may see.
CREATE VIEW dwh_lineage.my_exceptions WITH (security_barrier) AS
SELECT e.id, e.target_table, e.state, e.source_table, e.source_id, e.bronze_id, e.issues, e.source_data, e.detected_at,
    e.resolved_at, e.resolution, e.batch_no
FROM dwh_lineage.quality_exceptions AS e
WHERE e.target_table = ANY (ARRAY(SELECT dwh_lineage.my_targets('quality.view_qualityexception')));
COMMENT ON VIEW dwh_lineage.my_exceptions IS 'Exceptions that the person who signed in may see';
