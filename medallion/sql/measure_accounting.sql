-- The accounting line of a silver table: how many rows of its source have which outcome, computed from the rows
-- themselves, recorded as the metric "accounting" (its value is the gap: rows without an outcome) and returned.
-- Takes the table and, where there is one, the run. Reads the whole source; locks nothing.
CREATE FUNCTION dwh_etl.measure_accounting(in_target text, in_batch_id uuid DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_routine text;
    l_source text;
    l_rows bigint;
    l_gap bigint;
    l_outcomes jsonb;
BEGIN
    SELECT t.outcomes_routine, t.contract ->> 'source' INTO l_routine, l_source
    FROM dwh_lineage.targets AS t WHERE t.target = in_target;
    IF l_routine IS NULL THEN
        RAISE EXCEPTION '% has no accounting line.', in_target
            USING ERRCODE = 'AS010', HINT = 'Silver tables have one: dwh_lineage.targets.outcomes_routine names it.';
    END IF;
    -- The name comes from targets, written by a migration, quoted.
    EXECUTE format(
        'SELECT sum(o.n)::bigint, coalesce(sum(o.n) FILTER (WHERE o.outcome IS NULL), 0)::bigint, '
        'coalesce(jsonb_object_agg(o.outcome, o.n) FILTER (WHERE o.outcome IS NOT NULL), ''{}'') '
        'FROM (SELECT r.outcome, count(*) AS n FROM %s() AS r GROUP BY r.outcome) AS o', l_routine
    ) INTO l_rows, l_gap, l_outcomes;
    l_outcomes := l_outcomes || jsonb_build_object(l_source || ' rows', coalesce(l_rows, 0));
    INSERT INTO dwh_lineage.quality_metrics (
        run_id, batch_id, table_name, metric_name, metric_value, threshold, passed, details
    ) VALUES (
        (SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r WHERE r.batch_id = in_batch_id),
        coalesce(in_batch_id, gen_random_uuid()), in_target, 'accounting', l_gap, 0, l_gap = 0, l_outcomes
    );
    RETURN l_outcomes || jsonb_build_object('gap', l_gap);
END
$$;
COMMENT ON FUNCTION dwh_etl.measure_accounting(text, uuid) IS 'What became of the rows of a silver table''s source';
