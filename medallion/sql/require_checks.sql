-- Raises AS070 where a check of in_target whose severity is `fail` does not hold on what a load has computed
-- (pg_temp.measured), unless somebody let the newest of the batches that it takes pass. What was measured travels in the
-- error, as its CONSTRAINT, for the load's transaction is about to go: the executor records it. Locks nothing.
CREATE FUNCTION dwh_etl.require_checks(in_target text, in_taken bigint[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_newest bigint := (SELECT max(u.batch_no) FROM unnest(in_taken) AS u (batch_no));
    l_judged jsonb := dwh_etl.judge_checks(in_target, l_newest);
    l_said text;
BEGIN
    SELECT string_agg(
        (j ->> 'said') || CASE
            WHEN (j ->> 'value')::numeric < (j ->> 'low')::numeric THEN format(', where %s is the least', trim_scale((j ->> 'low')::numeric))
            WHEN (j ->> 'high')::numeric > 0 THEN format(', where %s are allowed', trim_scale((j ->> 'high')::numeric))
            ELSE ''
        END || '.', ' ' ORDER BY j ->> 'name'
    ) INTO l_said
    FROM jsonb_array_elements(l_judged) AS j
    WHERE NOT (j ->> 'passed')::boolean AND j ->> 'severity' = 'fail';
    IF l_said IS NULL OR EXISTS (
        SELECT 1 FROM dwh_lineage.quality_metrics AS m
        WHERE m.table_name = in_target AND m.metric_name = 'gate_override' AND m.metric_value = l_newest
    ) THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'The checks of % do not hold, so nothing was loaded.', in_target
        USING ERRCODE = 'AS070', DETAIL = l_said, CONSTRAINT = l_judged::text,
              HINT = 'Correct its sources, its declaration or its checks' || coalesce(format(
                  ', or let it pass: SELECT dwh_etl.override_gate(%L, %s, ''your reason'')', in_target, l_newest), '')
                  || '; then run again.';
END
$$;
COMMENT ON FUNCTION dwh_etl.require_checks(text, bigint[]) IS 'Refuses a load whose checks do not hold';
