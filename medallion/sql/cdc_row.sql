-- The row before or after a change, as an object. MongoDB's connector sends it as a text of JSON.
CREATE FUNCTION dwh_etl.cdc_row(in_row jsonb)
RETURNS jsonb
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN jsonb_typeof(in_row) = 'object' THEN in_row
        WHEN jsonb_typeof(in_row) = 'string' AND pg_input_is_valid(in_row #>> '{}', 'jsonb') THEN (in_row #>> '{}')::jsonb
    END
$$;
COMMENT ON FUNCTION dwh_etl.cdc_row(jsonb) IS 'The row before or after a change';
