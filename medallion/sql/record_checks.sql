-- Records what the checks of in_target measured as metrics, and opens or closes the issue of each. Takes the run's id, and
-- in_judged: what a refused load has said (see require_checks); without it, what is in pg_temp.measured.
-- Locks the issues that it opens and closes.
CREATE FUNCTION dwh_etl.record_checks(in_target text, in_batch_id uuid, in_judged jsonb DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_judged jsonb := coalesce(in_judged, dwh_etl.judge_checks(in_target));
    l_check jsonb;
BEGIN
    INSERT INTO dwh_lineage.quality_metrics (
        run_id, batch_id, table_name, metric_name, metric_value, threshold, passed, details
    )
    SELECT (SELECT p.run_id FROM dwh_lineage.pipeline_runs AS p WHERE p.batch_id = in_batch_id), in_batch_id,
        in_target, j ->> 'name', round((j ->> 'value')::numeric, 4), (j ->> 'high')::numeric, (j ->> 'passed')::boolean,
        jsonb_strip_nulls(jsonb_build_object(
            'said', j -> 'said', 'low', j -> 'low', 'severity', j -> 'severity', 'version', j -> 'version',
            'refused', CASE WHEN in_judged IS NOT NULL THEN true END
        )) || CASE WHEN jsonb_typeof(j -> 'details') = 'object' THEN j -> 'details' ELSE '{}' END
    FROM jsonb_array_elements(l_judged) AS j;
    FOR l_check IN SELECT j FROM jsonb_array_elements(l_judged) AS j LOOP
        IF (l_check ->> 'passed')::boolean THEN
            PERFORM dwh_lineage.resolve_issue(in_target || ' check ' || (l_check ->> 'name'));
        ELSE
            PERFORM dwh_lineage.raise_issue(
                in_target || ' check ' || (l_check ->> 'name'), in_target, l_check ->> 'name',
                in_target || ': ' || (l_check ->> 'said')
            );
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_etl.record_checks(text, uuid, jsonb) IS 'Records what the checks of a table measured';
