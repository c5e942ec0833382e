-- Drops the materialized views that read a table which is about to be altered, those of these views too, and keeps what
-- they are in pg_temp.views_aside for put_views_back, to be called in the same transaction. Locks the views.
CREATE PROCEDURE dwh_etl.set_views_aside(in_relation regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_view record;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS views_aside (number bigint, name text, statements text[]) ON COMMIT DROP;
    FOR l_view IN
        WITH RECURSIVE readers AS (
            SELECT in_relation::oid AS oid
            UNION
            SELECT w.ev_class
            FROM readers AS r
            JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
                AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite AS w ON w.oid = d.objid AND w.ev_class <> r.oid
        )
        SELECT c.oid, c.oid::regclass::text AS name, ARRAY[
            format('CREATE MATERIALIZED VIEW %s AS %s', c.oid::regclass, pg_get_viewdef(c.oid)),
            format('COMMENT ON MATERIALIZED VIEW %s IS %L', c.oid::regclass, obj_description(c.oid, 'pg_class'))
        ] || ARRAY(SELECT pg_get_indexdef(x.indexrelid) FROM pg_index AS x WHERE x.indrelid = c.oid) AS statements
        FROM readers AS r
        JOIN pg_class AS c ON c.oid = r.oid AND c.relkind = 'm'
        ORDER BY c.oid DESC  -- a view is younger than what it reads
    LOOP
        INSERT INTO pg_temp.views_aside VALUES (l_view.oid, l_view.name, l_view.statements);
        EXECUTE format('DROP MATERIALIZED VIEW %s', l_view.name);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.set_views_aside(regclass) IS 'Drops the materialized views that read a table, for a while';
