-- Triggers of quality_exceptions: each statement that changes how many rows of a table are unresolved appends by how many.
-- Pages sum these (open_row_deltas), so none of them counts exceptions; and whoever changes a state, it is counted.
-- SECURITY DEFINER: nobody else writes counts. Locks nothing.
CREATE FUNCTION dwh_lineage.count_open_rows()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO dwh_lineage.open_row_deltas (target, delta)
        SELECT a.target_table, count(*) FROM after AS a
        WHERE a.state IN ('open', 'proposed', 'queued') GROUP BY a.target_table;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO dwh_lineage.open_row_deltas (target, delta)
        SELECT b.target_table, -count(*) FROM before AS b
        WHERE b.state IN ('open', 'proposed', 'queued') GROUP BY b.target_table;
    ELSE
        INSERT INTO dwh_lineage.open_row_deltas (target, delta)
        SELECT x.target_table, sum(x.rows)
        FROM (
            SELECT a.target_table, 1 AS rows FROM after AS a WHERE a.state IN ('open', 'proposed', 'queued')
            UNION ALL
            SELECT b.target_table, -1 FROM before AS b WHERE b.state IN ('open', 'proposed', 'queued')
        ) AS x
        GROUP BY x.target_table HAVING sum(x.rows) <> 0;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_lineage.count_open_rows() IS 'Counts the unresolved exceptions of each table';

CREATE TRIGGER count_new AFTER INSERT ON dwh_lineage.quality_exceptions
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION dwh_lineage.count_open_rows();
CREATE TRIGGER count_changed AFTER UPDATE ON dwh_lineage.quality_exceptions
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION dwh_lineage.count_open_rows();
CREATE TRIGGER count_gone AFTER DELETE ON dwh_lineage.quality_exceptions
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION dwh_lineage.count_open_rows();
