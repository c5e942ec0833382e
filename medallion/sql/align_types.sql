-- Gives a gold table the types that its query gives now (pg_temp.computed, made by the load): a new query, or a source
-- whose column has another type, would otherwise be rounded or cut to the old ones without a word. Values that are not
-- of the grain are emptied; the load that calls this writes them anew. Does nothing where all types are the same.
-- SECURITY DEFINER: who loads owns nothing. Locks the table where a type differs.
CREATE PROCEDURE dwh_etl.align_types(in_target text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target record;
    l_column record;
BEGIN
    SELECT t.rows_relation::regclass AS relation, t.contract -> 'grain' AS grain INTO STRICT l_target
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'gold';
    FOR l_column IN
        SELECT c.attname AS name, format_type(c.atttypid, c.atttypmod) AS type
        FROM pg_attribute AS c
        JOIN pg_attribute AS g ON g.attrelid = l_target.relation AND g.attname = c.attname AND NOT g.attisdropped
        WHERE c.attrelid = 'pg_temp.computed'::regclass AND c.attnum > 0
            AND (c.atttypid, c.atttypmod) IS DISTINCT FROM (g.atttypid, g.atttypmod)
    LOOP
        EXECUTE format(
            'ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %s', l_target.relation, l_column.name, l_column.type,
            CASE WHEN l_target.grain ? l_column.name
                THEN format('%I::text::%s', l_column.name, l_column.type) ELSE 'NULL' END);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.align_types(text) IS 'Gives a gold table the types that its query gives now';
