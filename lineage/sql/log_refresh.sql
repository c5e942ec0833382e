-- Draws one edge for each source of a materialized view that was refreshed, and returns the last one's number.
-- The sources are read from the catalog. in_batch_id: the run, where there is one. Locks nothing.
CREATE FUNCTION dwh_lineage.log_refresh(in_view_name text, in_batch_id uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_view regclass := to_regclass(in_view_name);
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_lineage_id bigint;
BEGIN
    IF l_view IS NULL THEN
        RAISE EXCEPTION 'There is no view %.', in_view_name
            USING ERRCODE = 'AS010', HINT = 'Give its schema and its name, as in gold.mv_customer_lifetime_value.';
    END IF;
    WITH sources AS (
        SELECT DISTINCT n.nspname || '.' || c.relname AS source_table
        FROM pg_rewrite AS w
        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        JOIN pg_class AS c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE w.ev_class = l_view AND c.oid <> l_view
    ), drawn AS (
        INSERT INTO dwh_lineage.table_lineage (
            run_id, batch_id, source_table, target_table, operation, started_at, completed_at
        )
        SELECT
            (SELECT r.run_id FROM dwh_lineage.pipeline_runs AS r WHERE r.batch_id = l_batch_id),
            l_batch_id, s.source_table, in_view_name, 'refresh', transaction_timestamp(), clock_timestamp()
        FROM sources AS s
        RETURNING lineage_id
    )
    SELECT max(d.lineage_id) INTO l_lineage_id FROM drawn AS d;
    RETURN l_lineage_id;
END
$$;
COMMENT ON FUNCTION dwh_lineage.log_refresh(text, uuid) IS 'Draws the edges of a refreshed materialized view';
