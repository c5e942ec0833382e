-- A text that a compiled cast has rearranged from a declared format to local time, or NULL where there is no such day. The
-- cast has made sure of the digits; years of two digits are 1970 to 2069 (who calls evaluations pins DateStyle).
-- Locks nothing.
CREATE FUNCTION dwh_etl.iso_to_timestamp(in_text text)
RETURNS timestamp
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT (CASE WHEN pg_catalog.pg_input_is_valid(in_text, 'timestamp') THEN in_text END)::timestamp
$$;
COMMENT ON FUNCTION dwh_etl.iso_to_timestamp(text) IS 'A rearranged text to local time, or NULL';
