-- The columns that name a row of in_table: the surrogate key, the bronze id, or the key that its declaration says. Raises
-- AS010 where the table is not installed. Locks nothing.
CREATE FUNCTION dwh_lineage.identity_of(in_table text)
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target record;
BEGIN
    SELECT t.layer, t.kind, t.contract INTO l_target FROM dwh_lineage.targets AS t WHERE t.target = in_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The table % is not installed.', in_table
            USING ERRCODE = 'AS010', HINT = 'Tables are named with their layer, as in gold.fact_sales.';
    END IF;
    RETURN CASE
        WHEN l_target.layer = 'bronze' THEN ARRAY['_bronze_id']
        WHEN l_target.contract ? 'surrogate' THEN ARRAY[l_target.contract ->> 'surrogate']
        WHEN l_target.kind = 'append' THEN ARRAY['_source_bronze_id']
        WHEN l_target.layer = 'silver' THEN
            ARRAY(SELECT jsonb_array_elements_text(l_target.contract -> 'key'))
            || CASE WHEN l_target.kind = 'scd2' THEN ARRAY['valid_from'] ELSE '{}' END
        ELSE ARRAY(SELECT jsonb_array_elements_text(l_target.contract -> 'grain'))
    END;
END
$$;
COMMENT ON FUNCTION dwh_lineage.identity_of(text) IS 'The columns that name a row of a table';
