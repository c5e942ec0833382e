-- What names a row of in_table, given as JSON, among all of its rows. Locks nothing.
CREATE FUNCTION dwh_lineage.key_of(in_table text, in_row jsonb)
RETURNS jsonb
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(i.name, in_row -> i.name) FROM unnest(dwh_lineage.identity_of(in_table)) AS i (name)
$$;
COMMENT ON FUNCTION dwh_lineage.key_of(text, jsonb) IS 'What names a row of a table';
