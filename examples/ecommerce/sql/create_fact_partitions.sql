-- Makes the partitions of gold.fact_sales for some years; loads and maintenance make those that are needed by themselves.
CREATE PROCEDURE dwh_etl.create_fact_partitions(in_start_year integer, in_end_year integer)
LANGUAGE sql
AS $$
    SELECT dwh_etl.ensure_partitions(
        'gold.fact_sales', ARRAY(SELECT y::text FROM generate_series(in_start_year, in_end_year) AS y)
    );
$$;
COMMENT ON PROCEDURE dwh_etl.create_fact_partitions(integer, integer) IS 'Makes the partitions of gold.fact_sales for some years';
