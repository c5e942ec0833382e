-- Records for each rule of in_target how many of the in_rows rows in pg_temp.evaluated break it, as a metric named after the
-- rule; waived ones do not count. A rule that only warns opens an issue when more break it than its threshold allows, and
-- closes it when a load has fewer. Takes the run's id. Locks the issues that it opens and closes.
CREATE FUNCTION dwh_etl.record_rules(in_target text, in_batch_id uuid, in_rows bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_found record;
    l_run bigint := (SELECT p.run_id FROM dwh_lineage.pipeline_runs AS p WHERE p.batch_id = in_batch_id);
BEGIN
    IF in_rows = 0 THEN
        RETURN;
    END IF;
    FOR l_found IN
        SELECT g.*, coalesce(c.n, 0) AS n, coalesce(c.warned, 0) AS warned, c.sample,
            NOT dwh_etl.too_many(c.n, in_rows, g.threshold) AS passed
        FROM dwh_lineage.governing(in_target, (SELECT max(e._batch_no) FROM pg_temp.evaluated AS e)) AS g
        LEFT JOIN (
            SELECT k.position, count(*) AS n, count(*) FILTER (WHERE k.warns) AS warned,
                (array_agg(e._seen ORDER BY e._bronze_id) FILTER (WHERE k.warns))[1] AS sample
            FROM pg_temp.evaluated AS e
            CROSS JOIN LATERAL (
                SELECT b.position, false AS warns FROM unnest(e._broken) AS b (position)
                UNION ALL
                SELECT w.position, true FROM unnest(e._warned) AS w (position)
            ) AS k
            WHERE e._broken IS NOT NULL OR e._warned IS NOT NULL
            GROUP BY k.position
        ) AS c ON c.position = g.position
        WHERE NOT g.is_check
    LOOP
        INSERT INTO dwh_lineage.quality_metrics (
            run_id, batch_id, table_name, metric_name, metric_value, threshold, passed, details
        ) VALUES (
            l_run, in_batch_id, in_target, l_found.rule,
            CASE WHEN l_found.threshold LIKE '%\%' THEN round(100.0 * l_found.n / in_rows, 4) ELSE l_found.n END,
            coalesce(rtrim(l_found.threshold, '%')::numeric, 0), l_found.passed,
            jsonb_strip_nulls(jsonb_build_object(
                'rows', in_rows, 'broken', l_found.n, 'severity', l_found.severity, 'threshold', l_found.threshold,
                'version', l_found.version, 'sample', l_found.sample
            ))
        );
        IF l_found.warned > 0 AND NOT l_found.passed THEN
            PERFORM dwh_lineage.raise_issue(
                in_target || ' warning ' || l_found.rule, in_target, l_found.rule,
                format('%s: %s of %s rows of a load, which were kept', l_found.message, l_found.warned, in_rows)
            );
        ELSE
            PERFORM dwh_lineage.resolve_issue(in_target || ' warning ' || l_found.rule);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_etl.record_rules(text, uuid, bigint) IS 'Records how many rows of a load break each rule';
