-- What is wrong with a text that should be a record of JSON; NULL: nothing. in_path: to a list that it should have, where
-- it has anything there.
CREATE FUNCTION dwh_etl.json_fault(in_raw text, in_path text[] DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_record jsonb;
BEGIN
    IF NOT pg_input_is_valid(in_raw, 'jsonb') THEN
        RETURN (
            SELECT format('It is no JSON that PostgreSQL can hold: %s.', concat_ws(': ', i.message, i.detail))
            FROM pg_input_error_info(in_raw, 'jsonb') AS i
        );
    END IF;
    l_record := in_raw::jsonb;
    IF jsonb_typeof(l_record) <> 'object' THEN
        RETURN format('A record must be a JSON object; this is a JSON %s.', jsonb_typeof(l_record));
    ELSIF in_path IS NOT NULL AND coalesce(jsonb_typeof(l_record #> in_path), 'null') NOT IN ('array', 'null') THEN
        RETURN format('What stands at %s is no list.', array_to_string(in_path, '.'));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.json_fault(text, text[]) IS 'What is wrong with a record of JSON';
