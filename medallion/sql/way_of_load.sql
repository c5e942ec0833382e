-- How a gold table was loaded, for people: in_full says why all of it was computed; where it is NULL, in_keys were.
CREATE FUNCTION dwh_etl.way_of_load(in_full text, in_keys bigint)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN in_full IS NOT NULL THEN format('computed in full, because %s.', in_full)
        WHEN in_keys = 1 THEN 'computed the 1 key that changes touch.'
        ELSE format('computed the %s keys that changes touch.', in_keys)
    END
$$;
COMMENT ON FUNCTION dwh_etl.way_of_load(text, bigint) IS 'How a gold table was loaded, for people';
