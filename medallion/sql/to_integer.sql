-- Text to integer, or NULL where it is none: digits with a sign, no 0x1F, no 1_000.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_integer(in_text text)
RETURNS integer
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text ~ '^\s*[-+]?[0-9]+\s*$'
        AND pg_catalog.pg_input_is_valid(in_text, 'integer')
        THEN in_text END)::integer
$$;
COMMENT ON FUNCTION dwh_etl.to_integer(text) IS 'Text to integer, or NULL where it is none';
