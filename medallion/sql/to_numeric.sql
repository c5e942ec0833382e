-- Text to numeric, or NULL where it is none: a decimal number, no NaN, no Infinity, no 1_000.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_numeric(in_text text)
RETURNS numeric
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text ~ '^\s*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?\s*$'
        AND pg_catalog.pg_input_is_valid(in_text, 'numeric')
        THEN in_text END)::numeric
$$;
COMMENT ON FUNCTION dwh_etl.to_numeric(text) IS 'Text to numeric, or NULL where it is none';
