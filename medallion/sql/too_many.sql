-- Whether so many of so many rows are more than a threshold allows: a number of rows, or a share of them as in `1%`; none
-- where it is NULL. No side effects.
CREATE FUNCTION dwh_etl.too_many(in_count numeric, in_total numeric, in_threshold text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(in_count, 0) > CASE
        WHEN in_threshold LIKE '%\%' THEN coalesce(in_total, 0) * rtrim(in_threshold, '%')::numeric / 100
        ELSE coalesce(in_threshold::numeric, 0)
    END;
$$;
COMMENT ON FUNCTION dwh_etl.too_many(numeric, numeric, text) IS 'Whether a count is above a threshold';
