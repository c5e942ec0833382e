-- How a row came into the bronze table in_table: its batch and, if it was in a file, the file and the number of its record
-- there (the first after the header is 1). Nothing of that stands on the row: COPY numbers rows in the file's order, so
-- the number is the row's place in its batch, moved on by the lines before it that were no rows. A row that another
-- program inserted has a batch of kind foreign, and neither file nor number. Reads the batch's rows up to this one.
CREATE FUNCTION dwh_lineage.arrival_of(in_table text, in_bronze_id bigint)
RETURNS TABLE (batch_no bigint, kind text, source_system text, source_file text, record_no bigint, ingested_at timestamptz)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation text := (SELECT t.rows_relation FROM dwh_lineage.targets AS t WHERE t.target = in_table);
    l_batch bigint;
    l_place bigint;
BEGIN
    EXECUTE format('SELECT r._batch_no FROM %s AS r WHERE r._bronze_id = $1', l_relation::regclass)
    INTO l_batch USING in_bronze_id;
    SELECT b.batch_no, b.kind, b.source_system, b.source_file, b.ingested_at
    INTO arrival_of.batch_no, arrival_of.kind, arrival_of.source_system, arrival_of.source_file, arrival_of.ingested_at
    FROM dwh_lineage.batches AS b WHERE b.batch_no = l_batch;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF arrival_of.source_file IS NOT NULL THEN
        -- Uses the BRIN index of _bronze_id.
        EXECUTE format(
            'SELECT count(*) FROM %s AS r WHERE r._batch_no = $1 AND r._bronze_id BETWEEN $2 AND $3', l_relation::regclass
        ) INTO l_place
        USING l_batch, (SELECT b.first_bronze_id FROM dwh_lineage.batches AS b WHERE b.batch_no = l_batch), in_bronze_id;
        -- The n-th unreadable line has record_no − n good ones before it.
        arrival_of.record_no := l_place + (
            SELECT count(*)
            FROM (
                SELECT u.record_no - row_number() OVER (ORDER BY u.record_no) AS good_before
                FROM dwh_lineage.unreadable_lines AS u WHERE u.batch_no = l_batch
            ) AS u
            WHERE u.good_before < l_place
        );
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION dwh_lineage.arrival_of(text, bigint) IS 'Batch, file and record number of a bronze row';
