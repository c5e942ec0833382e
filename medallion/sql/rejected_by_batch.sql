-- The batches in pg_temp.evaluated (made by a load), with their rows, the rejected ones, and whether these are more than
-- in_limit: a number of rows or, with in_is_share, percent of the batch's rows. An override lets a batch pass.
-- No side effects.
CREATE FUNCTION dwh_etl.rejected_by_batch(in_target text, in_limit numeric, in_is_share boolean)
RETURNS TABLE (batch_no bigint, all_rows bigint, rejected bigint, too_many boolean, overridden boolean)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT b._batch_no, b.n, b.r, b.r > CASE WHEN in_is_share THEN b.n * in_limit / 100 ELSE in_limit END,
        EXISTS (
            SELECT 1 FROM dwh_lineage.quality_metrics AS m
            WHERE m.table_name = in_target AND m.metric_name = 'gate_override' AND m.metric_value = b._batch_no
        )
    FROM (
        SELECT e._batch_no, count(*) AS n, count(e._broken) AS r FROM pg_temp.evaluated AS e GROUP BY e._batch_no
    ) AS b;
END
$$;
COMMENT ON FUNCTION dwh_etl.rejected_by_batch(text, numeric, boolean) IS 'Rejected rows of the batches that a load evaluated';
