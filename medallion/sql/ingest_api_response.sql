-- Ingests what an API answered: ingest_records under the guide's name. in_endpoint: the name of a declared source of
-- JSON. io_batch_id: the run's id; without one it gets one.
CREATE PROCEDURE dwh_etl.ingest_api_response(
    in_endpoint text, in_response jsonb, INOUT io_batch_id uuid DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    io_batch_id := coalesce(io_batch_id, gen_random_uuid());
    PERFORM dwh_etl.ingest_records(in_endpoint, in_response, in_batch_id => io_batch_id);
END
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_api_response(text, jsonb, uuid) IS 'Ingests what an API answered';
