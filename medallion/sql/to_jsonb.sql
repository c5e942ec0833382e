-- Text to jsonb, or NULL where it is none. Locks nothing.
-- A text that is nested deeper than the server's stack is an error of the parser's, not an invalid input: a text with
-- many brackets is asked where that can be caught. (RESTRICTED: catching needs a subtransaction.)
CREATE FUNCTION dwh_etl.to_jsonb(in_text text)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
PARALLEL RESTRICTED
AS $$
BEGIN
    IF length(in_text) - length(translate(in_text, '[{', '')) <= 1000 THEN
        RETURN (CASE WHEN pg_catalog.pg_input_is_valid(in_text, 'jsonb') THEN in_text END)::jsonb;
    END IF;
    BEGIN
        RETURN (CASE WHEN pg_catalog.pg_input_is_valid(in_text, 'jsonb') THEN in_text END)::jsonb;
    EXCEPTION
        WHEN statement_too_complex THEN
            RETURN NULL;
    END;
END
$$;
COMMENT ON FUNCTION dwh_etl.to_jsonb(text) IS 'Text to jsonb, or NULL where it is none';
