-- Keeps a bronze table in shape: partitions ahead, and its BRIN indexes summarised, so that a load finds a batch without
-- reading its month. Returns how many partitions it made. Locks as ensure_bronze_partitions.
-- SECURITY DEFINER: the worker owns nothing.
CREATE FUNCTION dwh_etl.maintain_bronze(in_target text)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_parent regclass := (SELECT t.rows_relation FROM dwh_lineage.targets AS t
                          WHERE t.target = in_target AND t.layer = 'bronze')::regclass;
    l_before integer := (SELECT count(*) FROM pg_inherits AS i WHERE i.inhparent = l_parent);
BEGIN
    CALL dwh_etl.ensure_bronze_partitions(in_target);
    PERFORM brin_summarize_new_values(x.indexrelid)
    FROM pg_inherits AS i
    JOIN pg_index AS x ON x.indrelid = i.inhrelid
    JOIN pg_class AS c ON c.oid = x.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam
    WHERE i.inhparent = l_parent AND a.amname = 'brin';
    RETURN (SELECT count(*) FROM pg_inherits AS i WHERE i.inhparent = l_parent) - l_before;
END
$$;
COMMENT ON FUNCTION dwh_etl.maintain_bronze(text) IS 'Partitions ahead, BRIN indexes summarised';
