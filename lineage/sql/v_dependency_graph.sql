-- The dependency graph with the layers of both ends.
CREATE VIEW dwh_lineage.v_dependency_graph AS
SELECT
    d.upstream_table AS source,
    d.downstream_table AS target,
    d.dependency_type,
    CASE WHEN split_part(d.upstream_table, '.', 1) IN ('bronze', 'silver', 'gold')
         THEN split_part(d.upstream_table, '.', 1) ELSE 'external' END AS source_layer,
    CASE WHEN split_part(d.downstream_table, '.', 1) IN ('bronze', 'silver', 'gold')
         THEN split_part(d.downstream_table, '.', 1) ELSE 'external' END AS target_layer
FROM dwh_lineage.table_dependencies AS d;
COMMENT ON VIEW dwh_lineage.v_dependency_graph IS 'Which table feeds which, with their layers';
