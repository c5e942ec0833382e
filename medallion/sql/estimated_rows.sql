-- About how many rows a table has, with its partitions; where nobody has analyzed it, by its size. Locks nothing.
CREATE FUNCTION dwh_etl.estimated_rows(in_relation regclass)
RETURNS bigint
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 100 END), 0)::bigint
    FROM (
        SELECT p.relid FROM pg_partition_tree(in_relation) AS p WHERE p.isleaf
        UNION SELECT in_relation
    ) AS t
    JOIN pg_class AS c ON c.oid = t.relid AND c.relkind <> 'p'
$$;
COMMENT ON FUNCTION dwh_etl.estimated_rows(regclass) IS 'About how many rows a table has';
