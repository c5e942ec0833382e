-- Begins an ingestion into a bronze table: opens its batch and makes it the one that rows of this transaction get.
-- Raises AS011 where a file with this checksum has been ingested before. End it with finish_ingestion, in the same
-- transaction. SECURITY DEFINER: the worker that ingests owns nothing.
CREATE FUNCTION dwh_etl.begin_ingestion(
    in_target text,
    in_source text,
    in_file text DEFAULT NULL,
    in_checksum text DEFAULT NULL,
    in_bytes bigint DEFAULT NULL,
    in_batch_id uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_batch bigint;
    l_relation text;
BEGIN
    CALL dwh_etl.ensure_bronze_partitions(in_target);
    l_batch := dwh_lineage.open_batch(in_target, 'ingest', in_batch_id, in_source, in_file, in_checksum, in_bytes);
    SELECT t.rows_relation INTO l_relation FROM dwh_lineage.targets AS t WHERE t.target = in_target;
    -- A session's numbers of an identity only grow, so the batch's rows lie above this one.
    UPDATE dwh_lineage.batches SET first_bronze_id = nextval(pg_get_serial_sequence(l_relation, '_bronze_id')::regclass)
    WHERE batch_no = l_batch;
    PERFORM set_config('assay.batch_no', l_batch::text, true);
    RETURN l_batch;
END
$$;
COMMENT ON FUNCTION dwh_etl.begin_ingestion(text, text, text, text, bigint, uuid) IS 'Begins an ingestion';
