-- Gives the kept sums of in_target, which the load that calls this has emptied, the types that its query gives now
-- (pg_temp.totals, made by the load). SECURITY DEFINER: who loads owns nothing. Locks them where a type differs.
CREATE PROCEDURE dwh_etl.align_sums(in_target text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_kept regclass := format('dwh_staging.%I', 'sums_' || replace(in_target, '.', '_'));
    l_changes text;
BEGIN
    SELECT string_agg(format('ALTER COLUMN %1$I TYPE %2$s USING NULL::%2$s', n.attname,
            format_type(n.atttypid, n.atttypmod)), ', ')
    INTO l_changes
    FROM pg_attribute AS n
    JOIN pg_attribute AS k ON k.attrelid = l_kept AND k.attname = n.attname AND NOT k.attisdropped
    WHERE n.attrelid = 'pg_temp.totals'::regclass AND n.attnum > 0
        AND (n.atttypid, n.atttypmod) IS DISTINCT FROM (k.atttypid, k.atttypmod);
    IF l_changes IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', l_kept, l_changes);
    END IF;
END
$$;
COMMENT ON PROCEDURE dwh_etl.align_sums(text) IS 'Gives the kept sums of a table the types that its query gives now';
