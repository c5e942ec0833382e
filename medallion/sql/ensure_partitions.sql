-- Makes the partitions of a fact for in_periods: years ("2026") or months ("202603"), as it is declared; and for a fact
-- that is partitioned by a key like 20260331, the one for the unknown day (-1). Those that are there are left alone.
-- Attached rather than created in place: people go on reading. SECURITY DEFINER: who loads owns nothing.
-- Locks the fact against others that attach partitions.
CREATE FUNCTION dwh_etl.ensure_partitions(in_target text, in_periods text[])
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target record;
    l_part record;
    l_form text;
BEGIN
    SELECT t.rows_relation::regclass AS relation, split_part(t.target, '.', 2) AS name,
        ('1 ' || (t.contract #>> '{partition,every}'))::interval AS length, a.atttypid = 'date'::regtype AS by_date
    INTO l_target
    FROM dwh_lineage.targets AS t
    JOIN pg_attribute AS a ON a.attrelid = t.rows_relation::regclass
        AND a.attname = t.contract #>> '{partition,column}'
    WHERE t.target = in_target;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not partitioned.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare partition_by, then run makemigrations and migrate.';
    END IF;
    l_form := CASE WHEN l_target.by_date THEN 'YYYY-MM-DD' ELSE 'YYYYMMDD' END;
    FOR l_part IN
        SELECT l_target.name || '_' || CASE WHEN length(p) = 6 THEN left(p, 4) || '_' || right(p, 2) ELSE p END AS name,
            to_char(b.begin, l_form) AS lower, to_char(b.begin + l_target.length, l_form) AS upper
        FROM unnest(in_periods) AS p
        CROSS JOIN LATERAL (SELECT to_date(rpad(p, 6, '01'), 'YYYYMM')::timestamp AS begin) AS b
        UNION ALL
        SELECT l_target.name || '_unknown', '-1', '0' WHERE NOT l_target.by_date
        ORDER BY 1
    LOOP
        CONTINUE WHEN to_regclass(format('gold.%I', l_part.name)) IS NOT NULL;
        -- Whoever makes the same partition at this moment has made it when we get the lock.
        EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', l_target.relation);
        CONTINUE WHEN to_regclass(format('gold.%I', l_part.name)) IS NOT NULL;
        EXECUTE format('CREATE TABLE gold.%I (LIKE %s INCLUDING ALL EXCLUDING IDENTITY)', l_part.name, l_target.relation);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION gold.%I FOR VALUES FROM (%L) TO (%L)', l_target.relation,
            l_part.name, l_part.lower, l_part.upper);
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_etl.ensure_partitions(text, text[]) IS 'Makes the partitions of a fact for years or months';
