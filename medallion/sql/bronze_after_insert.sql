-- Closes the batch of rows that another program inserted, so that consumers take it. Its rows are not counted here: that
-- would read the table at every INSERT; the load that takes them counts them. Several INSERTs of a transaction share it.
-- TG_ARGV as in bronze_before_insert.
CREATE FUNCTION dwh_etl.bronze_after_insert()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_batch bigint := current_setting('assay.batch_no')::bigint;
BEGIN
    UPDATE dwh_lineage.batches SET last_bronze_id = currval(TG_ARGV[1]::regclass)
    WHERE batch_no = l_batch AND kind = 'foreign';
    IF FOUND THEN
        PERFORM dwh_lineage.close_batch(l_batch, NULL, NULL);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.bronze_after_insert() IS 'Closes the batch of rows that another program inserted';
