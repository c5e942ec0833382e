-- Fills a bronze column that is declared only now from _extra, where rows that came before have kept it. in_headers: the
-- names under which files bring it, the best one first; like an ingestion it takes a header as it stands before one that
-- differs in case and blanks alone. _extra stays as it arrived: no value is lost or changed, it stands in its column too.
-- For migrations, which are the only ones to write bronze rows after they arrived. Locks the table.
CREATE PROCEDURE dwh_etl.fill_from_extra(in_target text, in_column text, in_headers text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_relation regclass := (SELECT t.rows_relation::regclass FROM dwh_lineage.targets AS t WHERE t.target = in_target);
    l_folded text[] := ARRAY(SELECT lower(btrim(u.header)) FROM unnest(in_headers) AS u (header));
BEGIN
    -- A partition's rows are guarded by its parent's trigger, for it is the parent that the UPDATE names.
    EXECUTE format('ALTER TABLE ONLY %s DISABLE TRIGGER bronze_append_only', l_relation);
    EXECUTE format(
        'UPDATE %s AS r
        SET %2$I = (
            SELECT e.value FROM jsonb_each_text(r._extra) AS e
            WHERE lower(btrim(e.key)) = ANY ($2)
            ORDER BY array_position($1, e.key), array_position($2, lower(btrim(e.key)))
            LIMIT 1
        )
        WHERE r.%2$I IS NULL AND r._extra IS NOT NULL AND EXISTS (
            SELECT 1 FROM jsonb_each_text(r._extra) AS e
            WHERE lower(btrim(e.key)) = ANY ($2) AND e.value IS NOT NULL
        )', l_relation, in_column
    ) USING in_headers, l_folded;
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
COMMENT ON PROCEDURE dwh_etl.fill_from_extra(text, text, text[]) IS 'Fills a new bronze column from _extra';
