-- The fingerprint of the routine that makes a batch of in_kind of in_target, for its edges in table_lineage. A text that
-- nobody has seen is kept in code_versions, so that a run always names the code it ran, also where somebody has replaced
-- a routine by hand. Locks nothing.
CREATE FUNCTION dwh_lineage.note_code(in_target text, in_kind text)
RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_routine text := (
        SELECT CASE
            WHEN in_kind = 'replay' THEN t.replay_routine
            WHEN in_kind = 'rebuild' AND t.layer = 'silver' THEN t.rebuild_routine
            ELSE t.load_routine  -- gold's rebuild calls the load
        END
        FROM dwh_lineage.targets AS t WHERE t.target = in_target
    );
    l_hash text := dwh_lineage.sql_hash(l_routine);
BEGIN
    IF l_hash IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.code_versions AS v WHERE v.name = l_routine AND v.sql_hash = l_hash
    ) THEN
        INSERT INTO dwh_lineage.code_versions (name, kind, sql_hash, definition)
        SELECT l_routine, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, l_hash, pg_get_functiondef(p.oid)
        FROM pg_proc AS p WHERE p.oid = to_regproc(l_routine)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN l_hash;
END
$$;
COMMENT ON FUNCTION dwh_lineage.note_code(text, text) IS 'Which code makes a batch; keeps its text';
