-- Refuses to go on with the kept sums of in_target, from which more would be taken away than there is. No side effects.
CREATE FUNCTION dwh_etl.refuse_sums(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'A group of % would lose more rows than it has: its kept sums are not those of its inputs.', in_target
        USING ERRCODE = 'AS093',
            DETAIL = format('Somebody wrote into dwh_staging.%I, or changed an input with its triggers off.',
                'sums_' || replace(in_target, '.', '_')),
            HINT = format('Compute everything: manage.py rebuild %s.', in_target);
END
$$;
COMMENT ON FUNCTION dwh_etl.refuse_sums(text) IS 'Refuses to take away more than there is';
