-- How the active rules and checks of in_target are judged in a batch (NULL: the next one): severity and threshold as a
-- person has set them last, for batches from that one on, else as declared. No side effects.
CREATE FUNCTION dwh_lineage.governing(in_target text, in_batch_no bigint DEFAULT NULL)
RETURNS TABLE (rule text, "position" smallint, is_check boolean, message text, version text, severity text, threshold text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.rule, r.position, r.is_check, r.message, r.version,
        CASE WHEN o.severity = 'warn' AND NOT r.is_check AND NOT r.can_be_waived THEN r.severity
            ELSE coalesce(o.severity, r.severity) END,
        coalesce(o.threshold, r.threshold)
    FROM dwh_lineage.quality_rules AS r
    LEFT JOIN LATERAL (
        SELECT v.severity, v.threshold
        FROM dwh_lineage.quality_overrides AS v
        WHERE v.target = r.target AND v.name = r.rule AND (in_batch_no IS NULL OR v.first_batch_no <= in_batch_no)
        ORDER BY v.id DESC
        LIMIT 1
    ) AS o ON true
    WHERE r.target = in_target AND r.active;
$$;
COMMENT ON FUNCTION dwh_lineage.governing(text, bigint) IS 'Severities and thresholds of a table''s rules in a batch';
