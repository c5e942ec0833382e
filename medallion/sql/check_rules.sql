-- The gates of the rules of in_target whose severity is `fail`: raises AS082 where more rows of a batch in
-- pg_temp.evaluated break one than its threshold allows, and nobody let the batch pass. Called by loads, never by
-- rebuilds. Locks nothing.
CREATE FUNCTION dwh_etl.check_rules(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_said text;
    l_first bigint;
BEGIN
    -- Nearly always no rule fails a load: then nothing is counted.
    IF NOT EXISTS (
        SELECT 1 FROM dwh_lineage.quality_rules AS r WHERE r.target = in_target AND r.active AND r.severity = 'fail'
    ) AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = in_target AND o.severity = 'fail'
    ) THEN
        RETURN;
    END IF;
    SELECT string_agg(
        format('Batch %s: %s of %s rows: %s%s.', f.batch_no, f.n, f.all_rows, f.message,
               CASE WHEN f.threshold IS NOT NULL THEN format(', where %s are allowed', f.threshold) END),
        ' ' ORDER BY f.batch_no, f.message
    ), min(f.batch_no)
    INTO l_said, l_first
    FROM (
        SELECT b.batch_no, b.all_rows, g.message, g.threshold, count(*) AS n
        FROM (SELECT e._batch_no AS batch_no, count(*) AS all_rows FROM pg_temp.evaluated AS e GROUP BY 1) AS b
        CROSS JOIN LATERAL dwh_lineage.governing(in_target, b.batch_no) AS g
        JOIN pg_temp.evaluated AS e ON e._batch_no = b.batch_no AND g.position = ANY (e._broken)
        WHERE g.severity = 'fail' AND NOT g.is_check AND NOT EXISTS (
            SELECT 1 FROM dwh_lineage.quality_metrics AS m
            WHERE m.table_name = in_target AND m.metric_name = 'gate_override' AND m.metric_value = b.batch_no
        )
        GROUP BY b.batch_no, b.all_rows, g.message, g.threshold
    ) AS f
    WHERE dwh_etl.too_many(f.n, f.all_rows, f.threshold);
    IF l_said IS NOT NULL THEN
        RAISE EXCEPTION 'Rows break rules that no row of % may break, so nothing was loaded.', in_target
            USING ERRCODE = 'AS082', DETAIL = l_said,
                  HINT = format('Look at the exceptions of %s; correct the rows or the rules, or let the batch pass: '
                      'SELECT dwh_etl.override_gate(%L, %s, ''your reason''); then run again.',
                      in_target, in_target, l_first);
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_rules(text) IS 'Refuses batches whose rows break rules that fail a load';
