-- Gives a gold table the types that its query gives now (pg_temp.computed, made by the load): a new query, or a source
-- whose column has another type, would otherwise be rounded or cut to the old ones without a word. Values that are not
-- of the grain are emptied; the load that calls this writes them anew. Generated columns, materialized views and
-- images of the table are made again. Does nothing where all types are the same.
-- SECURITY DEFINER: who loads owns nothing. Locks the table where a type differs.
CREATE PROCEDURE dwh_etl.align_types(in_target text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target record;
    l_changes text[];
    l_indexes text[];
    l_index text;
    l_column record;
BEGIN
    SELECT t.rows_relation::regclass AS relation, t.contract -> 'grain' AS grain,
        coalesce(t.contract -> 'generated', '[]') AS generated
    INTO STRICT l_target
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'gold';
    SELECT array_agg(format('ALTER COLUMN %I TYPE %s USING %s', c.attname, format_type(c.atttypid, c.atttypmod),
            CASE WHEN l_target.grain ? c.attname
                THEN format('%I::text::%s', c.attname, format_type(c.atttypid, c.atttypmod)) ELSE 'NULL' END)
        || CASE WHEN g.attnotnull AND NOT l_target.grain ? c.attname
            THEN format(', ALTER COLUMN %I DROP NOT NULL', c.attname) ELSE '' END)
    INTO l_changes
    FROM pg_attribute AS c
    JOIN pg_attribute AS g ON g.attrelid = l_target.relation AND g.attname = c.attname AND NOT g.attisdropped
    WHERE c.attrelid = 'pg_temp.computed'::regclass AND c.attnum > 0
        AND (c.atttypid, c.atttypmod) IS DISTINCT FROM (g.atttypid, g.atttypmod);
    IF l_changes IS NULL THEN
        RETURN;
    END IF;
    CALL dwh_etl.set_views_aside(l_target.relation);
    l_indexes := ARRAY(
        SELECT pg_get_indexdef(x.indexrelid) FROM pg_index AS x
        WHERE x.indrelid = l_target.relation
            AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = x.indexrelid)
    );
    FOR l_column IN SELECT g ->> 'name' AS name FROM jsonb_array_elements(l_target.generated) AS g LOOP
        EXECUTE format('ALTER TABLE %s DROP COLUMN %I', l_target.relation, l_column.name);
    END LOOP;
    EXECUTE format('ALTER TABLE %s %s', l_target.relation, array_to_string(l_changes, ', '));
    FOR l_column IN
        SELECT g ->> 'name' AS name, g ->> 'type' AS type, g ->> 'expression' AS expression
        FROM jsonb_array_elements(l_target.generated) AS g
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s GENERATED ALWAYS AS (%s) STORED', l_target.relation,
            l_column.name, l_column.type, l_column.expression);
    END LOOP;
    FOREACH l_index IN ARRAY l_indexes LOOP
        EXECUTE regexp_replace(l_index, ' INDEX ', ' INDEX IF NOT EXISTS ');
    END LOOP;
    CALL dwh_etl.put_views_back();
    PERFORM dwh_etl.ensure_images(in_target);
END
$$;
COMMENT ON PROCEDURE dwh_etl.align_types(text) IS 'Gives a gold table the types that its query gives now';
