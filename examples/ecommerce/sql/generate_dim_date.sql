-- Adds the days from in_start_date to in_end_date to gold.dim_date, and corrects those that are there.
CREATE PROCEDURE dwh_etl.generate_dim_date(
    in_start_date date DEFAULT '2020-01-01', in_end_date date DEFAULT '2030-12-31'
)
LANGUAGE sql
AS $$
    CALL dwh_etl.generate_gold_dim_date(in_start_date, in_end_date);
$$;
COMMENT ON PROCEDURE dwh_etl.generate_dim_date(date, date) IS 'Adds days to gold.dim_date';
