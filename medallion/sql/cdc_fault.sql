-- What is wrong with a text that should be a change event of Debezium's; NULL: nothing. in_path: to the event in it.
CREATE FUNCTION dwh_etl.cdc_fault(in_raw text, in_path text[])
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_fault text := dwh_etl.json_fault(in_raw);
    l_event jsonb;
    l_side text;
BEGIN
    IF l_fault IS NOT NULL THEN
        RETURN CASE WHEN btrim(in_raw) = 'null' THEN 'A tombstone: the delete before it said all there is.' ELSE l_fault END;
    END IF;
    l_event := dwh_etl.cdc_event(in_raw::jsonb, in_path);
    IF l_event IS NULL OR jsonb_typeof(l_event) = 'null' THEN
        RETURN 'A tombstone: the delete before it said all there is.';
    ELSIF jsonb_typeof(l_event) <> 'object' OR NOT l_event ? 'op' THEN
        RETURN 'It is no change event: it has no op.';
    END IF;
    l_side := CASE l_event ->> 'op' WHEN 'd' THEN 'before' ELSE 'after' END;
    IF l_event ->> 'op' = 't' THEN
        RETURN 'A truncate does not say which rows are gone: take a new snapshot of the table.';
    ELSIF l_event ->> 'op' IS NULL OR l_event ->> 'op' NOT IN ('c', 'r', 'u', 'd') THEN
        RETURN format('It is no change of a row: its op is %s.', coalesce(l_event ->> 'op', 'null'));
    ELSIF jsonb_typeof(dwh_etl.cdc_row(l_event -> l_side)) IS DISTINCT FROM 'object' THEN
        RETURN format('Its op is %s, but it has no row %s the change.', l_event ->> 'op', l_side);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.cdc_fault(text, text[]) IS 'What is wrong with a change event';
