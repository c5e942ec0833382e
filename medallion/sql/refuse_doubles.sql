-- Raises AS071 where pg_temp.computed (made by a load) has two rows of one grain: a partitioned table's unique index
-- holds its grain together with its date alone. Locks nothing.
CREATE FUNCTION dwh_etl.refuse_doubles(in_target text, in_grain text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_grain text := (SELECT string_agg(format('c.%I', g), ', ') FROM unnest(in_grain) AS g);
    l_double text;
BEGIN
    EXECUTE format('SELECT ROW(%1$s)::text FROM pg_temp.computed AS c GROUP BY %1$s HAVING count(*) > 1 LIMIT 1', l_grain)
    INTO l_double;
    IF l_double IS NOT NULL THEN
        RAISE EXCEPTION 'The query of % gives two rows for one %.', in_target, array_to_string(in_grain, ', ')
            USING ERRCODE = 'AS071', DETAIL = format('One of them: %s.', l_double),
                  HINT = 'A join finds two rows where one is meant (versions without their period?), or the grain lacks a column.';
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.refuse_doubles(text, text[]) IS 'Refuses a load with two rows of one grain';
