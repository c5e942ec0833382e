-- What became of a bronze row in the silver table in_target: its outcome (as the table's outcomes function says it) and
-- the row of the table that stems from it. What the row itself, quarantine and ledger can tell is told at once; else all
-- histories are folded to see (a row that said nothing new, or that another one superseded). Locks nothing.
CREATE FUNCTION dwh_lineage.outcome_of(in_target text, in_bronze_id bigint)
RETURNS TABLE (outcome text, key jsonb)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    l_target record;
    l_row jsonb;
    l_state text;
    l_batch bigint;
BEGIN
    SELECT t.* INTO l_target FROM dwh_lineage.targets AS t WHERE t.target = in_target;
    EXECUTE format('SELECT to_jsonb(s) FROM %s AS s WHERE s._source_bronze_id = $1', in_target::regclass)
    INTO l_row USING in_bronze_id;
    IF l_row IS NOT NULL THEN
        outcome := CASE WHEN (l_row ->> 'is_current')::boolean IS FALSE THEN 'history' ELSE 'current' END;
        key := dwh_lineage.key_of(in_target, l_row);
        RETURN NEXT;
        RETURN;
    END IF;
    EXECUTE format(
        'SELECT r._batch_no FROM %s AS r WHERE r._bronze_id = $1',
        (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = l_target.contract ->> 'source')::regclass
    ) INTO l_batch USING in_bronze_id;
    SELECT x.state INTO l_state FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = in_target AND x.bronze_id = in_bronze_id;
    outcome := CASE
        WHEN EXISTS (
            SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = in_target AND p.batch_no = l_batch
        ) THEN 'waiting'
        WHEN EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = in_target AND k.batch_no = l_batch)
            THEN 'skipped'
        WHEN l_state IN ('open', 'proposed', 'queued') THEN 'quarantined'
        WHEN l_state = 'rejected' THEN 'rejected'
    END;
    IF outcome IS NULL THEN
        EXECUTE format('SELECT o.outcome FROM %s() AS o WHERE o.bronze_id = $1', l_target.outcomes_routine::regproc)
        INTO outcome USING in_bronze_id;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dwh_lineage.outcome_of(text, bigint) IS 'What became of a bronze row in a silver table';
