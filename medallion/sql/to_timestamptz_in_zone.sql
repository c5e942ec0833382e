-- Text to timestamptz, or NULL where it is none: as to_timestamptz(text), but without a zone of its own it is a local
-- time of in_zone. A local time that the zone skips (daylight saving begins) is none; one that occurs twice is the
-- later, in standard time. Locks nothing.
CREATE FUNCTION dwh_etl.to_timestamptz_in_zone(in_text text, in_zone text)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    -- A second zone is refused: where one can be added, the text has none.
    SELECT CASE WHEN pg_catalog.pg_input_is_valid(in_text || ' ' || in_zone, 'timestamptz')
        THEN dwh_etl.at_zone(dwh_etl.to_timestamptz(in_text) AT TIME ZONE 'UTC', in_zone)
        ELSE dwh_etl.to_timestamptz(in_text) END
$$;
COMMENT ON FUNCTION dwh_etl.to_timestamptz_in_zone(text, text) IS 'Text, of a zone where it names none, to timestamptz, or NULL';
