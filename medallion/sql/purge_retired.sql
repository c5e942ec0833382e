-- Deletes the retired members of a dimension to which nothing refers, and returns how many.
-- A fact that is being loaded may refer to any of them as soon as it commits: while one is, nothing is deleted. A load of
-- a fact that begins now waits for this transaction, and as its row in targets has changed then, begins anew (40001).
-- Locks the rows of the facts in targets.
CREATE FUNCTION dwh_etl.purge_retired(in_target text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = in_target)::regclass;
    l_facts text[];
    l_free bigint;
    l_unused text;
    l_any boolean;
    l_deleted bigint;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE _retired_at IS NOT NULL)', l_relation) INTO l_any;
    IF NOT l_any THEN
        RETURN 0;
    END IF;
    SELECT array_agg(DISTINCT n.nspname || '.' || c.relname),
        string_agg(format(' AND NOT EXISTS (SELECT 1 FROM %s AS f WHERE f.%I = d.%I)', k.conrelid::regclass, f.attname,
            d.attname), '')
    INTO l_facts, l_unused
    FROM pg_constraint AS k
    JOIN pg_class AS c ON c.oid = k.conrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = k.conkey[1]
    JOIN pg_attribute AS d ON d.attrelid = k.confrelid AND d.attnum = k.confkey[1]
    WHERE k.confrelid = l_relation AND k.contype = 'f' AND k.conparentid = 0;

    SELECT count(*) INTO l_free FROM (
        SELECT 1 FROM dwh_lineage.targets AS t WHERE t.target = ANY (l_facts) ORDER BY t.target
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS locked;
    IF l_free < (SELECT count(*) FROM dwh_lineage.targets AS t WHERE t.target = ANY (l_facts)) THEN
        RETURN 0;
    END IF;
    UPDATE dwh_lineage.targets SET load_no = load_no WHERE target = ANY (l_facts);
    EXECUTE format('DELETE FROM %s AS d WHERE d._retired_at IS NOT NULL%s', l_relation, coalesce(l_unused, ''));
    GET DIAGNOSTICS l_deleted = ROW_COUNT;
    RETURN l_deleted;
END
$$;
COMMENT ON FUNCTION dwh_etl.purge_retired(text) IS 'Deletes retired members to which nothing refers';
