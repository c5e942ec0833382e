-- dwh_etl.to_bigint for an index on bronze rows (often_late). It says the same whatever a session's settings are, which
-- IMMUTABLE states and PostgreSQL cannot know of pg_input_is_valid. Not inlined, so a query must name it as the index does.
CREATE FUNCTION dwh_etl.index_bigint(in_text text)
RETURNS bigint
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
BEGIN
    RETURN dwh_etl.to_bigint(in_text);
END
$$;
COMMENT ON FUNCTION dwh_etl.index_bigint(text) IS 'Text to bigint, as an index holds it';
