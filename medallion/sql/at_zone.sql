-- The moment of a local time, or NULL where the zone skips it (daylight saving begins). A local time that occurs twice
-- is the later, in standard time. Locks nothing.
CREATE FUNCTION dwh_etl.at_zone(in_local timestamp, in_zone text)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT CASE WHEN (in_local AT TIME ZONE in_zone) AT TIME ZONE in_zone = in_local
        THEN in_local AT TIME ZONE in_zone END
$$;
COMMENT ON FUNCTION dwh_etl.at_zone(timestamp, text) IS 'The moment of a local time, or NULL where there is none';
