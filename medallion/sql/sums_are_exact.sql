-- Whether the sums that are kept of in_target (dwh_staging.sums_gold_x) are exact after what the batches in_taken changed is
-- added to them: not where the sums are floating-point numbers, from which nothing can be taken away, and not where the
-- table has taken one of the batches before in_load. Locks nothing.
CREATE FUNCTION dwh_etl.sums_are_exact(in_target text, in_taken bigint[], in_load bigint)
RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(bool_and(a.atttypid IN ('bigint'::regtype, 'numeric'::regtype)), true) AND NOT EXISTS (
        SELECT 1
        FROM dwh_lineage.batch_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
        WHERE i.input_batch_no = ANY (in_taken) AND b.target = in_target AND b.batch_no <> in_load
    )
    FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(format('dwh_staging.%I', 'sums_' || replace(in_target, '.', '_')))
        AND a.attname ~ '^_sum_\d+$' AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION dwh_etl.sums_are_exact(text, bigint[], bigint) IS 'Whether the sums that are kept of a table are exact with what some batches changed';
