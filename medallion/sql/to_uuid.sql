-- Text to uuid, or NULL where it is none: in any spelling that PostgreSQL reads.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_uuid(in_text text)
RETURNS uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text IS NOT NULL
        AND pg_catalog.pg_input_is_valid(in_text, 'uuid')
        THEN in_text END)::uuid
$$;
COMMENT ON FUNCTION dwh_etl.to_uuid(text) IS 'Text to uuid, or NULL where it is none';
