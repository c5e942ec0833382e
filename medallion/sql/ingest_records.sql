-- Ingests records of JSON into the bronze tables of a source, in one transaction of the caller's: a batch for each table.
-- in_source: the name of a declared source of JSON. in_payload: what arrived; its records are where the source says.
-- in_label: what the ledger calls it, as a file's name. in_batch_id: the run's. Returns how many rows there are now.
-- AS010 where no table has that source, AS013 where the payload has no records there.
CREATE FUNCTION dwh_etl.ingest_records(
    in_source text, in_payload jsonb, in_label text DEFAULT NULL, in_batch_id uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_table record;
    l_batch bigint;
    l_records jsonb;
    l_rows bigint;
    l_unreadable bigint;
    l_total bigint := 0;
BEGIN
    FOR l_table IN
        SELECT t.target, t.contract ->> 'name' AS name, t.contract -> 'records' -> 'at' AS keys
        FROM dwh_lineage.targets AS t
        WHERE t.layer = 'bronze' AND t.contract -> 'source' ->> 'name' = in_source AND t.contract ? 'records'
        ORDER BY t.target
    LOOP
        l_records := in_payload #> ARRAY(SELECT jsonb_array_elements_text(l_table.keys));
        IF coalesce(jsonb_typeof(l_records), 'null') = 'object' THEN
            l_records := jsonb_build_array(l_records);
        ELSIF coalesce(jsonb_typeof(l_records), 'null') <> 'array' THEN
            RAISE EXCEPTION 'What arrived from % has no records at %.', in_source,
                coalesce(nullif(array_to_string(ARRAY(SELECT jsonb_array_elements_text(l_table.keys)), '.'), ''), 'its top')
                USING ERRCODE = 'AS013', DETAIL = format('There is: %s.', left(coalesce(in_payload::text, 'nothing'), 200)),
                      HINT = 'Correct records in the declaration of the source.';
        END IF;
        l_batch := dwh_etl.begin_ingestion(l_table.target, in_source, in_label, NULL, NULL, in_batch_id);
        DROP TABLE IF EXISTS pg_temp.arriving;
        CREATE TEMP TABLE arriving (record_no bigint NOT NULL, line_no bigint NOT NULL, raw text NOT NULL) ON COMMIT DROP;
        INSERT INTO pg_temp.arriving (record_no, line_no, raw)
        SELECT e.position, 1, e.record::text
        FROM jsonb_array_elements(l_records) WITH ORDINALITY AS e (record, position);
        EXECUTE format('CALL dwh_etl.%I($1, NULL, NULL)', 'land_bronze_' || l_table.name)
            INTO l_rows, l_unreadable USING l_batch;
        PERFORM dwh_etl.finish_ingestion(l_batch, l_rows, l_unreadable);
        l_total := l_total + l_rows;
    END LOOP;
    IF l_batch IS NULL THEN
        RAISE EXCEPTION 'No bronze table takes records of the source %.', in_source
            USING ERRCODE = 'AS010', HINT = format('Sources of records: %s.', coalesce((
                SELECT string_agg(DISTINCT t.contract -> 'source' ->> 'name', ', ')
                FROM dwh_lineage.targets AS t WHERE t.layer = 'bronze' AND t.contract ? 'records'
            ), 'none'));
    END IF;
    RETURN l_total;
END
$$;
COMMENT ON FUNCTION dwh_etl.ingest_records(text, jsonb, text, uuid) IS 'Ingests records of JSON';
