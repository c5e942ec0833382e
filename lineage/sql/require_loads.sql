-- Raises unless each of in_targets is installed and has a load; in_rebuild: a rebuild. Locks nothing.
CREATE FUNCTION dwh_lineage.require_loads(in_targets text[], in_rebuild boolean)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_name text;
    l_found dwh_lineage.targets;
BEGIN
    IF coalesce(cardinality(in_targets), 0) = 0 THEN
        RAISE EXCEPTION 'There is no table to load.'
            USING ERRCODE = 'AS010', HINT = 'Name the pipeline''s tables in `targets`.';
    END IF;
    FOREACH l_name IN ARRAY in_targets LOOP
        SELECT t.* INTO l_found FROM dwh_lineage.targets AS t WHERE t.target = l_name;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The table % is not installed.', l_name
                USING ERRCODE = 'AS010',
                      HINT = 'Declare it in a warehouse.py and run makemigrations and migrate; or correct the name.';
        ELSIF l_found.load_routine IS NULL THEN
            RAISE EXCEPTION 'The table % is not loaded from other tables.', l_name
                USING ERRCODE = 'AS010', HINT = 'A bronze table is filled by manage.py ingest.';
        ELSIF in_rebuild AND l_found.rebuild_routine IS NULL THEN
            RAISE EXCEPTION 'The table % has no rebuild.', l_name
                USING ERRCODE = 'AS010', HINT = 'Name its rebuild_routine in dwh_lineage.targets.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.require_loads(text[], boolean) IS 'Raises unless each table has a load';
