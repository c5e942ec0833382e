-- Drops the foreign keys of a fact whose declaration names other dimensions; its next load adds those that are declared.
-- Locks the fact and its dimensions.
CREATE PROCEDURE dwh_etl.drop_references(in_relation regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_name text;
BEGIN
    FOR l_name IN
        SELECT k.conname FROM pg_constraint AS k
        WHERE k.conrelid = in_relation AND k.contype = 'f' AND k.conparentid = 0
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', in_relation, l_name);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.drop_references(regclass) IS 'Drops the foreign keys of a fact';
