-- Gives a gold table the foreign keys and NOT NULLs of its declaration that it has not yet. Called at the end of a load:
-- the first one is many times faster without foreign keys, and a column that was added is empty until then. Does nothing
-- where all are there. SECURITY DEFINER: who loads owns nothing. Locks the table and the dimension against writers (not
-- readers) while it adds a key; the table against all while a column becomes NOT NULL.
CREATE PROCEDURE dwh_etl.ensure_constraints(in_target text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target record;
    l_column record;
    l_empty boolean;
BEGIN
    SELECT t.rows_relation::regclass AS relation, t.contract ->> 'name' AS name, t.contract AS contract
    INTO STRICT l_target
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'gold';
    FOR l_column IN
        SELECT d.key AS name, d.value ->> 'table' AS dimension, d.value ->> 'key' AS key,
            left(format('%s_%s_fkey', l_target.name, d.key), 63) AS foreign_key
        FROM jsonb_each(coalesce(l_target.contract -> 'dimensions', '{}')) AS d
        WHERE NOT EXISTS (
            SELECT 1 FROM pg_constraint AS k
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
            WHERE k.conrelid = l_target.relation AND k.contype = 'f' AND a.attname = d.key
        )
    LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %s (%I)', l_target.relation,
            l_column.foreign_key, l_column.name, l_column.dimension::regclass, l_column.key);
    END LOOP;
    FOR l_column IN
        SELECT a.attname AS name FROM pg_attribute AS a
        WHERE a.attrelid = l_target.relation AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull AND (
            coalesce(l_target.contract -> 'dimensions', '{}') ? a.attname
            OR coalesce(l_target.contract -> 'required', '[]') ? a.attname)
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE %I IS NULL)', l_target.relation, l_column.name)
        INTO l_empty;
        -- A retired member has no value in a new column; it goes by and by.
        CONTINUE WHEN l_empty AND l_target.contract ->> 'kind' = 'dimension';
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', l_target.relation, l_column.name);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.ensure_constraints(text) IS 'Gives a gold table the foreign keys and NOT NULLs of its declaration';
