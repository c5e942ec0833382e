-- Whether the sums that are kept of in_target (dwh_staging.sums_gold_x) are exact, so that what went can be taken away from
-- them: of floating-point numbers they are not. Locks nothing.
CREATE FUNCTION dwh_etl.sums_are_exact(in_target text)
RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(bool_and(a.atttypid IN ('bigint'::regtype, 'numeric'::regtype)), true)
    FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(format('dwh_staging.%I', 'sums_' || replace(in_target, '.', '_')))
        AND a.attname ~ '^_sum_\d+$' AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION dwh_etl.sums_are_exact(text) IS 'Whether what went can be taken away from the sums that are kept of a table';
