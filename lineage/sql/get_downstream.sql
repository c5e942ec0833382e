-- What in_table_name feeds, directly (level 1) or through others: each table once, at its shortest distance, without a limit of
-- depth; a cycle ends where it meets itself. Locks nothing.
CREATE FUNCTION dwh_lineage.get_downstream(in_table_name text)
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
            SELECT d.downstream_table AS name, min(d.dependency_type) AS type
            FROM unnest(l_frontier) AS n (name)
            JOIN dwh_lineage.table_dependencies AS d ON d.upstream_table = n.name
            -- A join can be hashed; <> ALL (l_seen) compares each edge with each table seen (6 s for 20,000 tables).
            WHERE NOT EXISTS (SELECT 1 FROM unnest(l_seen) AS s (name) WHERE s.name = d.downstream_table)
            GROUP BY d.downstream_table
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
COMMENT ON FUNCTION dwh_lineage.get_downstream(text) IS 'What in_table_name feeds, with the distance';
