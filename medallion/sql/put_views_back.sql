-- Makes the materialized views again that set_views_aside has dropped in this transaction, with their rows.
CREATE PROCEDURE dwh_etl.put_views_back()
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_view record;
    l_statement text;
BEGIN
    FOR l_view IN SELECT v.name, v.statements FROM pg_temp.views_aside AS v ORDER BY v.number LOOP
        FOREACH l_statement IN ARRAY l_view.statements LOOP
            EXECUTE l_statement;
        END LOOP;
    END LOOP;
    DROP TABLE pg_temp.views_aside;
EXCEPTION
    WHEN undefined_column OR undefined_table OR undefined_function THEN
        RAISE EXCEPTION 'The materialized view % does not fit any more: %', l_view.name, SQLERRM
            USING ERRCODE = 'AS032', HINT = 'Change what it reads in a migration of its own, before this one.';
END
$$;
COMMENT ON PROCEDURE dwh_etl.put_views_back() IS 'Makes dropped materialized views again';
