-- Gives every INSERT into a bronze table its batch. Assay's own ingestion has opened one in this transaction; rows of
-- another program get one of kind "foreign" here, whatever the session's settings claim.
-- TG_ARGV[0]: the table's name. TG_ARGV[1]: the sequence behind _bronze_id.
-- SECURITY DEFINER: who may INSERT source columns need not be able to write the ledger.
CREATE FUNCTION dwh_etl.bronze_before_insert()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_batch bigint := nullif(current_setting('assay.batch_no', true), '')::bigint;
BEGIN
    IF l_batch IS NOT NULL AND EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        WHERE b.batch_no = l_batch AND b.target = TG_ARGV[0] AND b.opened_in = pg_current_xact_id()::text::bigint
            -- A batch that has ended, or that a load has taken in this transaction, takes no more rows.
            AND (b.completed_at IS NULL OR b.kind = 'foreign' AND NOT EXISTS (
                SELECT 1 FROM dwh_lineage.batch_inputs AS i WHERE i.input_batch_no = b.batch_no
            ))
    ) THEN
        RETURN NULL;
    END IF;
    l_batch := dwh_lineage.open_batch(TG_ARGV[0], 'foreign', in_source => session_user::text);
    UPDATE dwh_lineage.batches SET first_bronze_id = nextval(TG_ARGV[1]::regclass) WHERE batch_no = l_batch;
    PERFORM set_config('assay.batch_no', l_batch::text, true);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.bronze_before_insert() IS 'Gives every INSERT into a bronze table its batch';
