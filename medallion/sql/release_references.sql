-- Drops the foreign keys that refer to a gold table which a migration is about to drop or to make anew; the next loads of
-- their tables add them again. Locks these tables.
CREATE PROCEDURE dwh_etl.release_references(in_relation regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_key record;
BEGIN
    FOR l_key IN
        SELECT k.conrelid::regclass AS relation, k.conname AS name FROM pg_constraint AS k
        WHERE k.confrelid = in_relation AND k.contype = 'f' AND k.conparentid = 0
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', l_key.relation, l_key.name);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE dwh_etl.release_references(regclass) IS 'Drops the foreign keys that refer to a gold table';
