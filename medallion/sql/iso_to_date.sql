-- A text that a compiled cast has rearranged from a declared format to date, or NULL where there is no such day. The
-- cast has made sure of the digits; years of two digits are 1970 to 2069 (who calls evaluations pins DateStyle).
-- Locks nothing.
CREATE FUNCTION dwh_etl.iso_to_date(in_text text)
RETURNS date
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN pg_catalog.pg_input_is_valid(in_text, 'date') THEN in_text END)::date
$$;
COMMENT ON FUNCTION dwh_etl.iso_to_date(text) IS 'A rearranged text to date, or NULL';
