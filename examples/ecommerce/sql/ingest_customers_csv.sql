-- Ingests a file of customers that stands on the database's host; see dwh_etl.ingest_csv_file, which it calls. Takes its
-- path, what the ledger calls the source, and the run's id, which it gives where there is none.
CREATE PROCEDURE dwh_etl.ingest_customers_csv(
    in_file_path text, in_source text DEFAULT 'csv_import', INOUT io_batch_id uuid DEFAULT NULL
)
LANGUAGE plpgsql
AS $$
BEGIN
    io_batch_id := coalesce(io_batch_id, gen_random_uuid());
    PERFORM dwh_etl.ingest_csv_file('bronze.raw_customers', in_file_path, in_source, io_batch_id);
END
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_customers_csv(text, text, uuid) IS 'Ingests a file of customers';
