-- How a gold table was loaded, for people: in_full says why all of it was computed; where it is NULL, in_keys were, or with
-- in_summed got what changed rows add and take away.
CREATE FUNCTION dwh_etl.way_of_load(in_full text, in_keys bigint, in_summed boolean DEFAULT false)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN in_full IS NOT NULL THEN format('computed in full, because %s.', in_full)
        ELSE format(
            CASE WHEN in_summed THEN 'added the changes to the %s that they touch.'
                ELSE 'computed the %s that changes touch.' END,
            CASE WHEN in_keys = 1 THEN '1 key' ELSE in_keys || ' keys' END
        )
    END
$$;
COMMENT ON FUNCTION dwh_etl.way_of_load(text, bigint, boolean) IS 'How a gold table was loaded, for people';
