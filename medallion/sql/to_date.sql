-- Text to date, or NULL where it is none: year-month-day; no now, no infinity.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_date(in_text text)
RETURNS date
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN in_text ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\s*$'
        AND pg_catalog.pg_input_is_valid(in_text, 'date')
        THEN in_text END)::date
$$;
COMMENT ON FUNCTION dwh_etl.to_date(text) IS 'Text to date, or NULL where it is none';
