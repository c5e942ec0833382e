-- What feeds in_table_name, directly (level 1) or through others: each table once, at its shortest distance, without a limit of
-- depth; a cycle ends where it meets itself. Locks nothing.
CREATE FUNCTION dwh_lineage.get_upstream(in_table_name text)
RETURNS TABLE (level int, table_name text, dependency_type text)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_frontier text[] := ARRAY[in_table_name];
    l_seen text[] := l_frontier;
    l_types text[];
BEGIN
    level := 0;
    LOOP
        SELECT array_agg(f.name ORDER BY f.name), array_agg(f.type ORDER BY f.name) INTO l_frontier, l_types
        FROM (
            SELECT d.upstream_table AS name, min(d.dependency_type) AS type
            FROM unnest(l_frontier) AS n (name)
            JOIN dwh_lineage.table_dependencies AS d ON d.downstream_table = n.name
            -- A join can be hashed; <> ALL (l_seen) compares each edge with each table seen (6 s for 20,000 tables).
            WHERE NOT EXISTS (SELECT 1 FROM unnest(l_seen) AS s (name) WHERE s.name = d.upstream_table)
            GROUP BY d.upstream_table
        ) AS f;
        EXIT WHEN l_frontier IS NULL;
        level := level + 1;
        FOR i IN 1 .. cardinality(l_frontier) LOOP
            table_name := l_frontier[i];
            dependency_type := l_types[i];
            RETURN NEXT;
        END LOOP;
        l_seen := l_seen || l_frontier;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.get_upstream(text) IS 'What feeds in_table_name, with the distance';
