-- What the checks of in_target measured (pg_temp.measured), held to the bounds that govern in_batch_no: an array of objects
-- with name, value, low, high, severity, passed, said (a sentence), version, details. No side effects.
CREATE FUNCTION dwh_etl.judge_checks(in_target text, in_batch_no bigint DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', j.name, 'value', j.value, 'low', j.low, 'high', j.high, 'severity', j.severity,
            'passed', (j.value >= j.low) IS NOT FALSE AND (j.value <= j.high) IS NOT FALSE,
            'said', replace(j.message, '{}', coalesce(trim_scale(round(j.value, 4))::text, 'unknown') || j.unit),
            'version', j.version, 'details', j.details
        ) ORDER BY j.name), '[]')
        FROM (
            SELECT m.name, m.low, g.severity, g.message, g.version, m.details,
                CASE WHEN g.threshold LIKE '%\%' THEN coalesce(100 * m.value / nullif(m.total, 0), 0)
                    ELSE m.value END AS value,
                CASE WHEN g.threshold LIKE '%\%' THEN ' percent of the' ELSE '' END AS unit,
                coalesce(rtrim(g.threshold, '%')::numeric, m.high) AS high
            FROM pg_temp.measured AS m
            JOIN dwh_lineage.governing(in_target, in_batch_no) AS g ON g.is_check AND g.rule = m.name
        ) AS j
    );
END
$$;
COMMENT ON FUNCTION dwh_etl.judge_checks(text, bigint) IS 'Holds what checks measured to their bounds';
