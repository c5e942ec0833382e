-- dwh_etl.to_uuid for an index on bronze rows (often_late). It says the same whatever a session's settings are, which
-- IMMUTABLE states and PostgreSQL cannot know of pg_input_is_valid. Not inlined, so a query must name it as the index does.
CREATE FUNCTION dwh_etl.index_uuid(in_text text)
RETURNS uuid
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
BEGIN
    RETURN dwh_etl.to_uuid(in_text);
END
$$;
COMMENT ON FUNCTION dwh_etl.index_uuid(text) IS 'Text to uuid, as an index holds it';
