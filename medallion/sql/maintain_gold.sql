-- Keeps a gold table in shape: of a calendar the flags of today; of a partitioned fact the partitions of this period and
-- the two that follow; BRIN indexes summarised. Returns how many partitions it made. Locks as ensure_partitions.
CREATE FUNCTION dwh_etl.maintain_gold(in_target text)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
    l_target record;
    l_before integer;
BEGIN
    SELECT t.rows_relation::regclass AS relation, t.kind, t.contract #>> '{partition,every}' AS every INTO STRICT l_target
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'gold';
    IF l_target.kind = 'calendar' THEN
        EXECUTE format('CALL dwh_etl.%I()', 'flags_' || replace(in_target, '.', '_'));
    END IF;
    PERFORM brin_summarize_new_values(x.indexrelid)
    FROM pg_partition_tree(l_target.relation) AS p
    JOIN pg_index AS x ON x.indrelid = p.relid
    JOIN pg_class AS c ON c.oid = x.indexrelid AND c.relkind = 'i'
    JOIN pg_am AS a ON a.oid = c.relam
    WHERE a.amname = 'brin';
    IF l_target.every IS NULL THEN
        RETURN 0;
    END IF;
    l_before := (SELECT count(*) FROM pg_inherits AS i WHERE i.inhparent = l_target.relation);
    PERFORM dwh_etl.ensure_partitions(in_target, ARRAY(
        SELECT to_char(now() + n * ('1 ' || l_target.every)::interval,
            CASE l_target.every WHEN 'year' THEN 'YYYY' ELSE 'YYYYMM' END)
        FROM generate_series(0, 2) AS n
    ));
    RETURN (SELECT count(*) FROM pg_inherits AS i WHERE i.inhparent = l_target.relation) - l_before;
END
$$;
COMMENT ON FUNCTION dwh_etl.maintain_gold(text) IS 'The flags of today, partitions ahead';
