-- Brings the planner's statistics of all tables of the warehouse up to date. VACUUM cannot run in a routine: `manage.py
-- maintain --vacuum` does that. SECURITY DEFINER: who loads owns nothing. Locks as ANALYZE: no reader, no load.
CREATE PROCEDURE dwh_etl.maintain_statistics()
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation text;
BEGIN
    FOR l_relation IN SELECT t.rows_relation FROM dwh_lineage.targets AS t ORDER BY t.target LOOP
        EXECUTE format('ANALYZE %s', l_relation::regclass);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.maintain_statistics() IS 'Brings the statistics of all tables up to date';
