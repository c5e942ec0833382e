-- Text to boolean, or NULL where it is none: true/false, t/f, yes/no, y/n, on/off, 1/0, in any case. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_boolean(in_text text)
RETURNS boolean
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN pg_catalog.pg_input_is_valid(in_text, 'boolean') THEN in_text END)::boolean
$$;
COMMENT ON FUNCTION dwh_etl.to_boolean(text) IS 'Text to boolean, or NULL where it is none';
