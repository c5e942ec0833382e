-- Text to date, or NULL where it is none: year-month-day; no now, no infinity.
-- STABLE as pg_input_is_valid is, or the planner would not inline it. Locks nothing.
-- The usual ten characters are known without a regular expression, which would cost more than the cast: two hyphens in
-- their places, and a whole number without them. (An integer may have underscores: 1_0.)
-- The cast stands outside the CASE: inside it, the planner would try it on a constant before it is asked.
CREATE FUNCTION dwh_etl.to_date(in_text text)
RETURNS date
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN CASE WHEN in_text LIKE '____-__-__'
            THEN in_text NOT LIKE '%-%-%-%' AND ascii(in_text) BETWEEN 48 AND 57 AND strpos(in_text, '_') = 0
                AND pg_catalog.pg_input_is_valid(replace(in_text, '-', ''), 'integer')
            ELSE in_text ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\s*$' END
        AND pg_catalog.pg_input_is_valid(in_text, 'date')
        THEN in_text END)::date
$$;
COMMENT ON FUNCTION dwh_etl.to_date(text) IS 'Text to date, or NULL where it is none';
