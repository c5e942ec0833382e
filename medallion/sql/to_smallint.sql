-- Text to smallint, or NULL where it is none: digits with a sign, no 0x1F, no 1_000.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_smallint(in_text text)
RETURNS smallint
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text ~ '^\s*[-+]?[0-9]+\s*$'
        AND pg_catalog.pg_input_is_valid(in_text, 'smallint')
        THEN in_text END)::smallint
$$;
COMMENT ON FUNCTION dwh_etl.to_smallint(text) IS 'Text to smallint, or NULL where it is none';
