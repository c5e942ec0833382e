-- Measures the declared checks of a table on its rows as they stand, records each as a metric of the run in_batch_id, and
-- raises AS085 where one whose severity is `fail` does not hold; with in_fail_on_error false it only warns. For people
-- who work with psql or pg_cron alone: loads have their gates themselves.
-- COMMITs the evidence before it raises, so that it survives the verdict; inside a transaction that somebody else began,
-- PostgreSQL does not allow that (2D000): call it there with in_fail_on_error false. Locks the issues that it opens and
-- closes.
CREATE PROCEDURE dwh_etl.run_quality_gate(in_table text, in_batch_id uuid, in_fail_on_error boolean DEFAULT true)
LANGUAGE plpgsql
AS $$
DECLARE
    l_known text;
    l_judged jsonb;
    l_said text;
BEGIN
    l_known := (SELECT t.target FROM dwh_lineage.targets AS t WHERE t.target = in_table);
    IF l_known IS NULL THEN
        RAISE EXCEPTION 'There is no table % in the warehouse.', in_table
            USING ERRCODE = 'AS084', HINT = 'Name it with its schema, as in silver.customers.';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM dwh_lineage.quality_rules AS r WHERE r.target = l_known AND r.active AND r.is_check) THEN
        RAISE NOTICE 'No checks are declared for %.', l_known;
        RETURN;
    END IF;
    DROP TABLE IF EXISTS pg_temp.measured;
    EXECUTE format('CREATE TEMP TABLE measured AS SELECT * FROM dwh_etl.%I()', 'checks_' || replace(l_known, '.', '_'));
    l_judged := dwh_etl.judge_checks(l_known);
    PERFORM dwh_etl.record_checks(l_known, in_batch_id);
    DROP TABLE pg_temp.measured;
    SELECT string_agg((j ->> 'said') || '.', ' ' ORDER BY j ->> 'name') INTO l_said
    FROM jsonb_array_elements(l_judged) AS j WHERE NOT (j ->> 'passed')::boolean AND j ->> 'severity' = 'fail';
    IF l_said IS NULL THEN
        RAISE NOTICE 'The quality gate of % holds.', l_known;
    ELSIF NOT in_fail_on_error THEN
        RAISE WARNING 'The quality gate of % does not hold.', l_known USING DETAIL = l_said;
    ELSE
        RAISE NOTICE 'The quality gate of % does not hold. %', l_known, l_said;
        COMMIT;
        RAISE EXCEPTION 'The quality gate of % does not hold.', l_known
            USING ERRCODE = 'AS085', DETAIL = l_said, HINT = 'What was measured is in dwh_lineage.quality_metrics.';
    END IF;
END
$$;
COMMENT ON PROCEDURE dwh_etl.run_quality_gate(text, uuid, boolean) IS 'Measures a table''s checks, and raises where they fail';
