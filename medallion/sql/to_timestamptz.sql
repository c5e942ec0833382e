-- Text to timestamptz, or NULL where it is none: begins with year-month-day; without a zone it is UTC; no now, no infinity.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_timestamptz(in_text text)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}'
        AND pg_catalog.pg_input_is_valid(in_text, 'timestamptz')
        THEN in_text END)::timestamptz
$$;
COMMENT ON FUNCTION dwh_etl.to_timestamptz(text) IS 'Text to timestamptz, or NULL where it is none';
