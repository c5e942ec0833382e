-- A change event of Debezium's, out of what stands around it: in_record, at in_path the event, there its payload, where
-- the schema stands beside it. NULL where there is nothing.
CREATE FUNCTION dwh_etl.cdc_event(in_record jsonb, in_path text[])
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN e.found ? 'payload' AND NOT e.found ? 'op' THEN e.found -> 'payload' ELSE e.found END
    FROM (SELECT in_record #> in_path AS found) AS e
$$;
COMMENT ON FUNCTION dwh_etl.cdc_event(jsonb, text[]) IS 'A change event, out of what stands around it';
