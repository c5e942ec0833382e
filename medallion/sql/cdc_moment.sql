-- A count of in_unit ("s", "ms", "us", "ns") since 1970 as a timestamp in UTC; NULL where it is none, or beyond what a
-- timestamp can hold. Nanoseconds lose their last three digits.
CREATE FUNCTION dwh_etl.cdc_moment(in_count jsonb, in_unit text)
RETURNS timestamp
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- Days apart: microseconds since 1970 are more than an interval can be multiplied by without rounding.
    SELECT CASE WHEN c.micros BETWEEN -62135596800000000 AND 253402300799999999
        THEN timestamp '1970-01-01' + make_interval(days => floor(c.micros / 86400000000)::integer)
            + (c.micros - floor(c.micros / 86400000000) * 86400000000)::bigint * interval '1 microsecond' END
    FROM (
        SELECT CASE WHEN jsonb_typeof(in_count) = 'number' THEN trunc(in_count::numeric * CASE in_unit
            WHEN 's' THEN 1000000 WHEN 'ms' THEN 1000 WHEN 'us' THEN 1 WHEN 'ns' THEN 0.001 END) END AS micros
    ) AS c
$$;
COMMENT ON FUNCTION dwh_etl.cdc_moment(jsonb, text) IS 'A count of time since 1970 as a timestamp in UTC';
