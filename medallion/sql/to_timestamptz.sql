-- Text to timestamptz, or NULL where it is none: begins with year-month-day; without a zone it is UTC; no now, no infinity.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The usual first ten characters are known without a regular expression, as in to_date.
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_timestamptz(in_text text)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN CASE WHEN in_text LIKE '____-__-__%' AND ascii(in_text) BETWEEN 48 AND 57
                AND left(in_text, 10) NOT LIKE '%-%-%-%' AND strpos(in_text, '_') = 0
                AND pg_catalog.pg_input_is_valid(replace(left(in_text, 10), '-', ''), 'integer')
            THEN true
            ELSE in_text ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}' END
        AND pg_catalog.pg_input_is_valid(in_text, 'timestamptz')
        THEN in_text END)::timestamptz
$$;
COMMENT ON FUNCTION dwh_etl.to_timestamptz(text) IS 'Text to timestamptz, or NULL where it is none';
