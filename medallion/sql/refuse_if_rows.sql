-- Refuses to go on where a table still holds rows that nothing could bring back. assay.drop_rows = on lets it pass, for
-- a person who means it. Locks the table.
CREATE FUNCTION dwh_etl.refuse_if_rows(in_relation regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_rows boolean;
BEGIN
    IF coalesce(nullif(current_setting('assay.drop_rows', true), '')::boolean, false) THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', in_relation);
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', in_relation) INTO l_rows;
    IF l_rows THEN
        RAISE EXCEPTION '% holds rows; dropping it would lose them for ever.', in_relation
            USING ERRCODE = 'AS031',
                  HINT = 'Back it up first; then, if you mean it: PGOPTIONS="-c assay.drop_rows=on".';
    END IF;
END
$$;
COMMENT ON FUNCTION dwh_etl.refuse_if_rows(regclass) IS 'Refuses to go on where a table still holds rows';
