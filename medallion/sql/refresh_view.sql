-- Refreshes a materialized view while people read it, and says what changed: a row that got other values counts as one
-- deleted and one inserted. SECURITY DEFINER: only an owner may refresh. Locks the view against other refreshes.
CREATE FUNCTION dwh_etl.refresh_view(
    in_target text, OUT inserted bigint, OUT deleted bigint, OUT unchanged bigint
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_view regclass := (SELECT t.rows_relation FROM dwh_lineage.targets AS t
                        WHERE t.target = in_target AND t.contract ->> 'kind' = 'materialized_view')::regclass;
    l_rows bigint;
BEGIN
    IF l_view IS NULL THEN
        RAISE EXCEPTION '% is no materialized view.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare it in a warehouse.py, then run makemigrations and migrate.';
    END IF;
    inserted := -pg_stat_get_xact_tuples_inserted(l_view);
    deleted := -pg_stat_get_xact_tuples_deleted(l_view);
    EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY %s', l_view);
    inserted := inserted + pg_stat_get_xact_tuples_inserted(l_view);
    deleted := deleted + pg_stat_get_xact_tuples_deleted(l_view);
    EXECUTE format('SELECT count(*) FROM %s', l_view) INTO l_rows;
    unchanged := l_rows - inserted;
END
$$;
COMMENT ON FUNCTION dwh_etl.refresh_view(text) IS 'Refreshes a materialized view while people read it';
