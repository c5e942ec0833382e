-- The correction that counts for each bronze row and target: the latest version, unless it withdraws the others.
CREATE VIEW dwh_lineage.effective_corrections AS
SELECT c.id, c.target, c.bronze_id, c.patch
FROM (
    -- Uses index corrections_version
    SELECT DISTINCT ON (v.target, v.bronze_id) v.id, v.target, v.bronze_id, v.patch, v.withdrawn
    FROM dwh_lineage.corrections AS v
    ORDER BY v.target, v.bronze_id, v.version DESC
) AS c
WHERE NOT c.withdrawn;
COMMENT ON VIEW dwh_lineage.effective_corrections IS 'The correction that counts for each bronze row';
