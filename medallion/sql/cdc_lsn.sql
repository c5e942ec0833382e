-- The place of a change in its source's log, as text that sorts as the log runs: PostgreSQL's lsn, Oracle's and
-- YashanDB's scn, MySQL's file and position, the lsn of SQL Server and Db2. NULL where the source says none.
CREATE FUNCTION dwh_etl.cdc_lsn(in_source jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        CASE WHEN in_source ? 'lsn' THEN lpad(in_source ->> 'lsn', 20, '0') END,
        CASE WHEN in_source ? 'file' AND in_source ? 'pos'
            THEN concat_ws(':', in_source ->> 'file', lpad(in_source ->> 'pos', 20, '0'), lpad(in_source ->> 'row', 10, '0')) END,
        nullif(concat_ws('/', in_source ->> 'commit_lsn', in_source ->> 'change_lsn', lpad(in_source ->> 'event_serial_no', 10, '0')), ''),
        nullif(concat_ws('/', lpad(in_source ->> 'commit_scn', 20, '0'), lpad(in_source ->> 'scn', 20, '0'), lpad(in_source ->> 'ssn', 10, '0')), '')
    )
$$;
COMMENT ON FUNCTION dwh_etl.cdc_lsn(jsonb) IS 'The place of a change in its source''s log, sortable';
