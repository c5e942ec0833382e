-- Opens a batch of in_target in the ledger and returns its number. Its rows, its counts (close_batch) and its ledger
-- row commit together or not at all.
-- Locks the target's row FOR KEY SHARE: a consumer that registers itself meanwhile waits for this transaction.
CREATE FUNCTION dwh_lineage.open_batch(
    in_target text,
    in_kind text,
    in_batch_id uuid DEFAULT NULL,
    in_source text DEFAULT NULL,
    in_file text DEFAULT NULL,
    in_checksum text DEFAULT NULL,
    in_bytes bigint DEFAULT NULL,
    in_load_no bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_batch bigint;
BEGIN
    PERFORM 1 FROM dwh_lineage.targets WHERE target = in_target FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The table % is not installed.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare it in a warehouse.py, then run makemigrations and migrate.';
    END IF;
    INSERT INTO dwh_lineage.batches (
        target, kind, batch_id, source_system, source_file, source_checksum, source_bytes, load_no, opened_in
    ) VALUES (
        in_target, in_kind, in_batch_id, in_source, in_file, in_checksum, in_bytes, in_load_no,
        pg_current_xact_id()::text::bigint
    )
    RETURNING batch_no INTO l_batch;
    RETURN l_batch;
EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION 'The file % has been ingested into % before.', in_file, in_target
            USING ERRCODE = 'AS011', DETAIL = format('Its checksum is %s.', in_checksum),
                  HINT = 'Nothing is to be done: its rows are there. A changed file has another checksum.';
END
$$;
COMMENT ON FUNCTION dwh_lineage.open_batch(text, text, uuid, text, text, text, bigint, bigint)
    IS 'Opens a batch in the ledger';
