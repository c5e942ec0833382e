-- Follows a bronze column that has another name now: corrections and decisions about rows of the tables that read
-- in_source patch that column from now on, and the exceptions show it under its new name. What was decided stays as it
-- was decided. For migrations that rename a bronze column. Locks the rows that it changes.
CREATE FUNCTION dwh_lineage.rename_source_column(in_source text, in_column text, in_new_column text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_readers text[] := ARRAY(SELECT i.consumer FROM dwh_lineage.target_inputs AS i WHERE i.source = in_source);
BEGIN
    -- Append-only for everybody else; the transaction's end puts the guard back.
    PERFORM set_config('pgtrigger.ignore', (
        SELECT array_agg(t.tgname)::text FROM pg_trigger AS t
        WHERE t.tgrelid = 'dwh_lineage.corrections'::regclass AND NOT t.tgisinternal
    ), true);
    UPDATE dwh_lineage.corrections AS c
    SET patch = CASE WHEN c.patch ? in_column
            THEN (c.patch - in_column) || jsonb_build_object(in_new_column, c.patch -> in_column) ELSE c.patch END,
        expected = CASE WHEN c.expected ? in_column
            THEN (c.expected - in_column) || jsonb_build_object(in_new_column, c.expected -> in_column)
            ELSE c.expected END
    WHERE c.target = ANY (l_readers) AND (c.patch ? in_column OR c.expected ? in_column);
    PERFORM set_config('pgtrigger.ignore', '{}', true);
    UPDATE dwh_lineage.quality_decisions AS d
    SET patch = (d.patch - in_column) || jsonb_build_object(in_new_column, d.patch -> in_column)
    WHERE d.target = ANY (l_readers) AND d.patch ? in_column;
    UPDATE dwh_lineage.decision_rows AS r
    SET patch = (r.patch - in_column) || jsonb_build_object(in_new_column, r.patch -> in_column)
    FROM dwh_lineage.quality_decisions AS d
    WHERE d.id = r.decision_id AND d.target = ANY (l_readers) AND r.patch ? in_column;
    UPDATE dwh_lineage.quality_exceptions AS e
    SET source_data = (e.source_data - in_column) || jsonb_build_object(in_new_column, e.source_data -> in_column)
    WHERE e.target_table = ANY (l_readers) AND e.source_data ? in_column;
END
$$;
COMMENT ON FUNCTION dwh_lineage.rename_source_column(text, text, text) IS 'Follows a bronze column to its new name';
