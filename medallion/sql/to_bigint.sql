-- Text to bigint, or NULL where it is none: digits with a sign, no 0x1F, no 1_000.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_bigint(in_text text)
RETURNS bigint
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text ~ '^\s*[-+]?[0-9]+\s*$'
        AND pg_catalog.pg_input_is_valid(in_text, 'bigint')
        THEN in_text END)::bigint
$$;
COMMENT ON FUNCTION dwh_etl.to_bigint(text) IS 'Text to bigint, or NULL where it is none';
