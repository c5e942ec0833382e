-- Raises AS070 where a check of a gold table fails on what its load computed (pg_temp.measured), unless somebody let the
-- newest of the batches that it takes pass. Locks nothing.
CREATE FUNCTION dwh_etl.require_checks(in_target text, in_taken bigint[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_newest bigint := (SELECT max(u.batch_no) FROM unnest(in_taken) AS u (batch_no));
    l_said text;
BEGIN
    SELECT string_agg(
        replace(m.sentence, '{}', trim_scale(round(m.value, 4))::text)
        || CASE WHEN m.threshold > 0 THEN format(', where %s are allowed', m.threshold) ELSE '' END || '.', ' '
        ORDER BY m.name
    ) INTO l_said
    FROM pg_temp.measured AS m WHERE m.value > m.threshold;
    IF l_said IS NULL OR EXISTS (
        SELECT 1 FROM dwh_lineage.quality_metrics AS m
        WHERE m.table_name = in_target AND m.metric_name = 'gate_override' AND m.metric_value = l_newest
    ) THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'The checks of % do not hold, so nothing was loaded.', in_target
        USING ERRCODE = 'AS070', DETAIL = l_said,
              HINT = 'Correct its sources, its query or its checks' || coalesce(format(
                  ', or let it pass: SELECT dwh_etl.override_gate(%L, %s, ''your reason'')', in_target, l_newest), '')
                  || '; then run again.';
END
$$;
COMMENT ON FUNCTION dwh_etl.require_checks(text, bigint[]) IS 'Refuses a load whose checks do not hold';
