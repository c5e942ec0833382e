-- Makes the monthly partitions of a bronze table from this month (or that of in_since) to in_months ahead of now, with
-- their guards.
-- SECURITY DEFINER: the worker that ingests owns nothing. Locks the table only where a partition is missing.
CREATE PROCEDURE dwh_etl.ensure_bronze_partitions(
    in_target text, in_months integer DEFAULT 2, in_since timestamptz DEFAULT NULL
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
    l_parent regclass := (SELECT t.rows_relation FROM dwh_lineage.targets AS t
                          WHERE t.target = in_target AND t.layer = 'bronze')::regclass;
    l_month timestamptz;
    l_name text;
BEGIN
    IF l_parent IS NULL THEN
        RAISE EXCEPTION 'The bronze table % is not installed.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare it in a warehouse.py, then run makemigrations and migrate.';
    END IF;
    FOR l_month IN
        SELECT m FROM generate_series(
            date_trunc('month', coalesce(in_since, now())),
            date_trunc('month', now()) + make_interval(months => in_months), '1 month'
        ) AS m
    LOOP
        l_name := split_part(in_target, '.', 2) || to_char(l_month, '_YYYY_MM');
        CONTINUE WHEN to_regclass(format('bronze.%I', l_name)) IS NOT NULL;
        -- Whoever makes the same partition at this moment has made it when we get the lock.
        EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', l_parent);
        CONTINUE WHEN to_regclass(format('bronze.%I', l_name)) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE bronze.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
            l_name, l_parent, l_month, l_month + interval '1 month');
        EXECUTE format('COMMENT ON TABLE bronze.%I IS %L', l_name, 'Rows of ' || in_target || to_char(l_month, ' YYYY-MM'));
        CALL dwh_etl.guard_bronze(format('bronze.%I', l_name)::regclass, in_target);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.ensure_bronze_partitions(text, integer, timestamptz) IS 'Makes the monthly partitions of a bronze table';
