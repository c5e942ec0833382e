-- When the change of an event was made at its source, as text in UTC; where the source does not say, when it was read.
CREATE FUNCTION dwh_etl.cdc_timestamp(in_event jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT to_char(m.moment, 'YYYY-MM-DD HH24:MI:SS.US') || '+00'
    FROM (
        SELECT c.position, dwh_etl.cdc_moment(c.found, c.unit) AS moment
        FROM (
            VALUES
                (1, in_event #> '{source,ts_ns}', 'ns'), (2, in_event #> '{source,ts_us}', 'us'),
                (3, in_event #> '{source,ts_ms}', 'ms'), (4, in_event -> 'ts_ns', 'ns'),
                (5, in_event -> 'ts_us', 'us'), (6, in_event -> 'ts_ms', 'ms')
        ) AS c (position, found, unit)
        WHERE c.found <> '0'  -- MySQL's snapshots have none
    ) AS m
    WHERE m.moment IS NOT NULL
    ORDER BY m.position LIMIT 1
$$;
COMMENT ON FUNCTION dwh_etl.cdc_timestamp(jsonb) IS 'When a change was made at its source';
