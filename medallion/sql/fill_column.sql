-- Fills a bronze column that is declared only now, from what rows that came before have kept beside it. in_value: SQL of its
-- text for a row r, as the compiler wrote it. What was kept stays as it arrived: no value is lost or changed, it stands in its
-- column too. For migrations, which are the only ones to write bronze rows after they arrived. Locks the table.
CREATE PROCEDURE dwh_etl.fill_column(in_target text, in_column text, in_value text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := (SELECT t.rows_relation::regclass FROM dwh_lineage.targets AS t WHERE t.target = in_target);
BEGIN
    -- A partition's rows are guarded by its parent's trigger, for it is the parent that the UPDATE names.
    EXECUTE format('ALTER TABLE ONLY %s DISABLE TRIGGER bronze_append_only', l_relation);
    EXECUTE format(
        'UPDATE %s AS r SET %2$I = %3$s WHERE r.%2$I IS NULL AND %3$s IS NOT NULL', l_relation, in_column, in_value
    );
    EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER bronze_append_only', l_relation);
    -- Who corrects a row sees all columns that a correction can have.
    EXECUTE format(
        'UPDATE dwh_lineage.quality_exceptions AS e
        SET source_data = e.source_data || jsonb_build_object($2, b.%2$I)
        FROM %1$s AS b
        WHERE e.source_table = $1 AND b._bronze_id = e.bronze_id
            AND (e.source_data ->> $2 IS DISTINCT FROM b.%2$I OR NOT e.source_data ? $2)', l_relation, in_column
    ) USING in_target, in_column;
END
$$;
COMMENT ON PROCEDURE dwh_etl.fill_column(text, text, text) IS 'Fills a new bronze column from what was kept beside it';
