-- Gives a column of a bronze table another name, with what people decided about it. A column of the new name that an
-- earlier declaration left behind goes if nothing was ever in it; with values it stays, and this is refused (AS105).
-- For migrations. Locks the table.
CREATE PROCEDURE dwh_etl.rename_bronze_column(in_target text, in_column text, in_new_column text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := (SELECT t.rows_relation::regclass FROM dwh_lineage.targets AS t WHERE t.target = in_target);
    l_taken boolean;
BEGIN
    IF EXISTS (
        SELECT 1 FROM pg_attribute AS a
        WHERE a.attrelid = l_relation AND a.attname = in_new_column AND NOT a.attisdropped
    ) THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', l_relation);
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE %I IS NOT NULL)', l_relation, in_new_column) INTO l_taken;
        IF l_taken THEN
            RAISE EXCEPTION '% cannot be called % in %: an earlier declaration had a column of that name, and its values '
                'are still there.', in_column, in_new_column, in_target
                USING ERRCODE = 'AS105', HINT = 'Choose another name.';
        END IF;
        EXECUTE format('ALTER TABLE %s DROP COLUMN %I', l_relation, in_new_column);
    END IF;
    EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', l_relation, in_column, in_new_column);
    PERFORM dwh_lineage.rename_source_column(in_target, in_column, in_new_column);
END
$$;
COMMENT ON PROCEDURE dwh_etl.rename_bronze_column(text, text, text) IS 'Gives a bronze column another name';
