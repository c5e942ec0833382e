-- The gate max_rejected of in_target: raises AS050 where a batch in pg_temp.evaluated has too many rejected rows and
-- nobody let it pass. Called by loads, never by rebuilds. Locks nothing.
CREATE FUNCTION dwh_etl.check_rejected(in_target text, in_limit numeric, in_is_share boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_said text;
    l_first bigint;
BEGIN
    SELECT string_agg(format('Batch %s: %s of %s rows.', r.batch_no, r.rejected, r.all_rows), ' ' ORDER BY r.batch_no),
        min(r.batch_no)
    INTO l_said, l_first
    FROM dwh_etl.rejected_by_batch(in_target, in_limit, in_is_share) AS r
    WHERE r.too_many AND NOT r.overridden;
    IF l_said IS NOT NULL THEN
        RAISE EXCEPTION 'More than % of the rows of a batch would be rejected from %, so nothing was loaded.',
            CASE WHEN in_is_share THEN in_limit || ' %' ELSE in_limit::text END, in_target
            USING ERRCODE = 'AS050', DETAIL = l_said,
                  HINT = format('Look at the exceptions of %s; correct the rows or the rules, or let the batch pass: '
                      'SELECT dwh_etl.override_gate(%L, %s, ''your reason''); then run again.',
                      in_target, in_target, l_first);
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.check_rejected(text, numeric, boolean) IS 'Refuses batches with too many rejected rows';
