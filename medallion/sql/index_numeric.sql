-- dwh_etl.to_numeric for an index on bronze rows (often_late). It says the same whatever a session's settings are, which
-- IMMUTABLE states and PostgreSQL cannot know of pg_input_is_valid. Not inlined, so a query must name it as the index does.
CREATE FUNCTION dwh_etl.index_numeric(in_text text)
RETURNS numeric
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
BEGIN
    RETURN dwh_etl.to_numeric(in_text);
END
$$;
COMMENT ON FUNCTION dwh_etl.index_numeric(text) IS 'Text to numeric, as an index holds it';
