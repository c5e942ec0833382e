-- The gate max_gone of in_target: raises AS051 where an extract among the batches in_taken lacks more than in_limit percent
-- of the keys of the extract before it, and nobody let it pass. Called by loads, which make pg_temp.extracts (_at, _next),
-- pg_temp.present (_at) and pg_temp.absent (_effective); never by rebuilds. Locks nothing.
CREATE FUNCTION dwh_etl.check_gone(in_target text, in_limit numeric, in_taken bigint[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_found record;
BEGIN
    SELECT g.* INTO l_found
    FROM (
        SELECT b.batch_no, b.source_file,
            (SELECT count(*) FROM pg_temp.present AS p WHERE p._at = x._at) AS keys,
            (SELECT count(*) FROM pg_temp.absent AS a WHERE a._effective = x._next) AS gone
        FROM pg_temp.extracts AS x
        JOIN dwh_lineage.batches AS b ON b.batch_no = ANY (in_taken) AND b.ingested_at = x._next
    ) AS g
    WHERE g.gone > g.keys * in_limit / 100 AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.quality_metrics AS m
        WHERE m.table_name = in_target AND m.metric_name = 'gate_override' AND m.metric_value = g.batch_no
    )
    ORDER BY g.batch_no
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'An extract lacks % of the % keys that % had, more than % %%; so nothing was loaded.',
            l_found.gone, l_found.keys, in_target, in_limit
            USING ERRCODE = 'AS051',
                  DETAIL = format('It is batch %s%s.', l_found.batch_no, ', file ' || l_found.source_file),
                  HINT = format('See whether the file is whole. Where so many keys are gone indeed, let the batch pass: '
                      'SELECT dwh_etl.override_gate(%L, %s, ''your reason''); then run again.',
                      in_target, l_found.batch_no);
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_gone(text, numeric, bigint[]) IS 'Refuses extracts that lack too many keys';
