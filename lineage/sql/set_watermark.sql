-- Moves the watermark of in_table_name to in_value: back, and the batches that its sources committed since then wait for
-- it again, skipped ones too; forward, and what waits up to there is taken without being loaded: a recorded skip, a
-- decision that rebuilds respect until the watermark is moved back over it. A batch that was loaded before only stops to
-- wait. in_column is the guide's: a watermark is the ledger's time, under either name. -infinity: all again; infinity:
-- skip all that waits. in_reason, in_by: for dwh_lineage.watermark_moves.
-- Takes the table's row in targets as a load does, and writes it: a load that began before meets 40001 and begins again.
CREATE PROCEDURE dwh_etl.set_watermark(
    in_table_name text,
    in_column text,
    in_value timestamptz,
    in_reason text DEFAULT '',
    in_by text DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_layer text;
    l_from timestamptz;
    l_back boolean;
    l_move bigint;
BEGIN
    UPDATE dwh_lineage.targets SET load_no = load_no WHERE target = in_table_name RETURNING layer INTO l_layer;
    IF NOT EXISTS (SELECT 1 FROM dwh_lineage.target_inputs AS i WHERE i.consumer = in_table_name) THEN
        RAISE EXCEPTION '% takes no batches, so it has no watermark.', in_table_name
            USING ERRCODE = 'AS010', HINT = 'SELECT table_name FROM dwh_lineage.watermarks lists those that have one.';
    END IF;
    IF in_value IS NULL OR in_column IS NULL OR in_column NOT IN ('_ingested_at', '_loaded_at') THEN
        RAISE EXCEPTION 'A watermark is a time of the ledger, not % = %.',
            coalesce(in_column, 'NULL'), coalesce(in_value::text, 'NULL')
            USING ERRCODE = 'AS040', HINT = 'CALL dwh_etl.set_watermark(table, ''_ingested_at'', time).';
    END IF;
    l_from := dwh_etl.get_watermark(in_table_name);
    l_back := in_value < l_from;
    IF l_layer = 'gold' AND NOT l_back THEN
        RAISE EXCEPTION '% is computed from the whole of its inputs: no batch of them can be left out.', in_table_name
            USING ERRCODE = 'AS041', HINT = 'Move the watermark of the silver table instead, or change the query.';
    END IF;
    INSERT INTO dwh_lineage.watermark_moves (target, from_value, to_value, moved_by, reason, forward, batches)
    VALUES (
        -- Python has no infinite moments.
        in_table_name, nullif(l_from, '-infinity'), nullif(nullif(in_value, '-infinity'), 'infinity'),
        coalesce(in_by, session_user::text), coalesce(in_reason, ''), NOT l_back, 0
    )
    RETURNING id INTO l_move;
    IF l_back THEN
        CALL dwh_lineage.take_again(in_table_name, in_value, l_move);
    ELSE
        CALL dwh_lineage.skip_batches(in_table_name, in_value, l_move);
    END IF;
END
$$;
COMMENT ON PROCEDURE dwh_etl.set_watermark(text, text, timestamptz, text, text)
    IS 'Moves a watermark: back to load again, forward to skip';
