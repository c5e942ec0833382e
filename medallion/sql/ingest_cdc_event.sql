-- Ingests one change of a row. in_operation: INSERT, UPDATE or DELETE (or c, u, d, r); in_timestamp: when it was made at
-- the source; in_before, in_after: the row. in_source: the name of a declared source of change events. AS014 for another
-- operation.
CREATE PROCEDURE dwh_etl.ingest_cdc_event(
    in_operation text,
    in_timestamp timestamptz,
    in_before jsonb,
    in_after jsonb,
    in_batch_id uuid DEFAULT NULL,
    in_source text DEFAULT 'customers_cdc'
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_op text := CASE upper(in_operation)
        WHEN 'INSERT' THEN 'c' WHEN 'UPDATE' THEN 'u' WHEN 'DELETE' THEN 'd'
        WHEN 'C' THEN 'c' WHEN 'U' THEN 'u' WHEN 'D' THEN 'd' WHEN 'R' THEN 'r' END;
BEGIN
    IF l_op IS NULL THEN
        RAISE EXCEPTION 'The operation % of a change is none.', coalesce(in_operation, 'NULL')
            USING ERRCODE = 'AS014', HINT = 'INSERT, UPDATE, DELETE, or c, u, d, r.';
    END IF;
    PERFORM dwh_etl.ingest_records(
        in_source,
        jsonb_build_object(
            'op', l_op, 'before', in_before, 'after', in_after,
            'ts_us', (extract(epoch FROM in_timestamp) * 1000000)::bigint
        ),
        in_batch_id => in_batch_id
    );
END
$$;
COMMENT ON PROCEDURE dwh_etl.ingest_cdc_event(text, timestamptz, jsonb, jsonb, uuid, text) IS 'Ingests one change of a row';
