-- Ingests a CSV file that stands on the database's host, in one transaction of the caller's, for who works from psql or
-- pg_cron alone; `manage.py ingest` streams files from anywhere, and knows them by their content, not by their name.
-- in_target: a bronze table; the file's header names its declared columns, in their order. in_file: a path, below the
-- folder that the setting assay.files names where it is relative. in_source: what the ledger calls the source.
-- in_batch_id: the run's. Returns how many rows there are now.
-- AS010 where the table is not installed, AS111 where the file cannot be read by the caller, AS112 where one of its name
-- has been ingested. PostgreSQL's own errors where the file is not there (58P01) or its header is another (22P04).
CREATE FUNCTION dwh_etl.ingest_csv_file(
    in_target text, in_file text, in_source text DEFAULT 'csv_import', in_batch_id uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_folder text := rtrim(current_setting('assay.files', true), '/');
    l_path text := CASE WHEN in_file LIKE '/%' THEN in_file ELSE nullif(l_folder, '') || '/' || in_file END;
    l_table record;
    l_batch bigint;
    l_rows bigint;
BEGIN
    SELECT t.rows_relation, t.contract -> 'columns' AS columns INTO l_table
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'bronze';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The bronze table % is not installed.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare it in a warehouse.py, then run makemigrations and migrate.';
    END IF;
    IF NOT pg_has_role(current_user, 'pg_read_server_files', 'USAGE') THEN
        RAISE EXCEPTION '% may not read files of the database''s host.', current_user
            USING ERRCODE = 'AS111', HINT = 'manage.py ingest needs no such right: it streams files from where they are.';
    END IF;
    IF l_path IS NULL OR '..' = ANY (string_to_array(l_path, '/')) THEN
        RAISE EXCEPTION 'The path % leads nowhere.', coalesce(in_file, 'NULL')
            USING ERRCODE = 'AS111',
                  HINT = 'Give a whole path without .., or name the folder: SET assay.files = ''/srv/files'';';
    END IF;
    l_batch := dwh_etl.begin_ingestion(in_target, in_source, l_path, NULL, NULL, in_batch_id);
    -- begin_ingestion holds the table's row FOR KEY SHARE only: two of us may look at once, and then both have batches.
    PERFORM pg_advisory_xact_lock(hashtextextended(in_target || ' ' || l_path, 0));
    IF EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        WHERE b.target = in_target AND b.source_file = l_path AND b.batch_no <> l_batch
    ) THEN
        RAISE EXCEPTION 'A file % has been ingested into % before.', l_path, in_target
            USING ERRCODE = 'AS112', HINT = 'Give a corrected file another name, or use manage.py ingest.';
    END IF;
    EXECUTE format(
        'COPY %s (%s) FROM %L (FORMAT csv, HEADER match)', l_table.rows_relation::regclass,
        (SELECT string_agg(quote_ident(c.value ->> 'name'), ', ' ORDER BY c.ordinality)
         FROM jsonb_array_elements(l_table.columns) WITH ORDINALITY AS c), l_path
    );
    GET DIAGNOSTICS l_rows = ROW_COUNT;
    PERFORM dwh_etl.finish_ingestion(l_batch, l_rows);
    RETURN l_rows;
END
$$;
COMMENT ON FUNCTION dwh_etl.ingest_csv_file(text, text, text, uuid) IS 'Ingests a CSV file of the database''s host';
