-- Notes what a statement does to a table: how many rows, and a few of them, before and after. A trigger of a dry run
-- (medallion/planning/dry_run.py), made in its transaction and rolled back with it.
-- Its arguments: the columns that tell rows apart, as a JSON list; how many rows to show.
-- Writes pg_temp.noted (what text, was jsonb, becomes jsonb) and pg_temp.note_counts (what text, n bigint).
CREATE FUNCTION dwh_etl.note_changes()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_limit integer := TG_ARGV[1]::integer;
    l_same text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pg_temp.note_counts SELECT 'inserted', count(*) FROM new_rows;
        INSERT INTO pg_temp.noted SELECT 'inserted', NULL, to_jsonb(n.*) FROM new_rows AS n LIMIT l_limit;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO pg_temp.note_counts SELECT 'deleted', count(*) FROM old_rows;
        INSERT INTO pg_temp.noted SELECT 'deleted', to_jsonb(o.*), NULL FROM old_rows AS o LIMIT l_limit;
    ELSE
        SELECT string_agg(format('o.%1$I = n.%1$I', k.name), ' AND ') INTO l_same
        FROM jsonb_array_elements_text(TG_ARGV[0]::jsonb) AS k (name);
        INSERT INTO pg_temp.note_counts SELECT 'changed', count(*) FROM new_rows;
        EXECUTE format(
            'INSERT INTO pg_temp.noted SELECT ''changed'', to_jsonb(o.*), to_jsonb(n.*)
            FROM old_rows AS o JOIN new_rows AS n ON %s LIMIT $1', l_same
        ) USING l_limit;
        -- A version that ends is a row that changes, but people ask for it by another name.
        EXECUTE format(
            'INSERT INTO pg_temp.note_counts SELECT ''closed'', count(*)
            FROM old_rows AS o JOIN new_rows AS n ON %s
            WHERE to_jsonb(o.*) ->> ''is_current'' = ''true'' AND to_jsonb(n.*) ->> ''is_current'' = ''false''', l_same
        );
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.note_changes() IS 'Notes what a statement does to a table, for a dry run';
