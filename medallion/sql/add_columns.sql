-- Adds to a gold table the columns that its query gives now (dwh_staging.shape, made by the migration) and it has not.
-- They are empty until the next load. Locks the table.
CREATE PROCEDURE dwh_etl.add_columns(in_relation regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_column record;
BEGIN
    FOR l_column IN
        SELECT s.attname AS name, format_type(s.atttypid, s.atttypmod) AS type
        FROM pg_attribute AS s
        WHERE s.attrelid = 'dwh_staging.shape'::regclass AND s.attnum > 0 AND NOT EXISTS (
            SELECT 1 FROM pg_attribute AS a
            WHERE a.attrelid = in_relation AND a.attname = s.attname AND NOT a.attisdropped
        )
        ORDER BY s.attnum
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', in_relation, l_column.name, l_column.type);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.add_columns(regclass) IS 'Adds the columns that a gold table''s query gives now';
