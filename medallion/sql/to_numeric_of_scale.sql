-- Text to a decimal number of at most in_scale places after the point and, where in_precision is given, in_precision
-- digits in all, or NULL where it is none: nothing is rounded. 1.50 fits one place. Locks nothing.
CREATE FUNCTION dwh_etl.to_numeric_of_scale(in_text text, in_scale integer, in_precision integer)
RETURNS numeric
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT CASE WHEN scale(trim_scale(dwh_etl.to_numeric(in_text))) <= in_scale
            AND (in_precision IS NULL OR abs(dwh_etl.to_numeric(in_text)) < 10::numeric ^ (in_precision - in_scale))
        THEN dwh_etl.to_numeric(in_text) END
$$;
COMMENT ON FUNCTION dwh_etl.to_numeric_of_scale(text, integer, integer) IS 'Text to a number that fits, or NULL';
