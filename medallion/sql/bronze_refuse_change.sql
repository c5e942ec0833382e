-- Bronze is append-only: refuses UPDATE, DELETE and TRUNCATE, the owner's too. Fired by statement triggers that are
-- ENABLE ALWAYS on every bronze table and on each of its partitions (a parent's TRUNCATE trigger does not cover them).
CREATE FUNCTION dwh_etl.bronze_refuse_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: bronze is append-only.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'AS030',
              HINT = 'Correct a row through its exception; what is older than the retention goes by maintenance.';
END
$$;
COMMENT ON FUNCTION dwh_etl.bronze_refuse_change() IS 'Refuses every change of bronze rows';
