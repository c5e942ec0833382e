-- Takes the batches that wait for in_target up to in_value without loading them. What was never loaded becomes a skip;
-- a batch that was loaded before keeps its rows, so nothing is skipped of it.
-- Called by dwh_etl.set_watermark, which holds the table's row.
CREATE PROCEDURE dwh_lineage.skip_batches(in_target text, in_value timestamptz, in_move bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH gone AS (
        DELETE FROM dwh_lineage.pendings AS p
        USING dwh_lineage.batches AS b
        WHERE p.consumer = in_target AND b.batch_no = p.batch_no AND b.ingested_at <= in_value
            -- Not those of tables to which its rules refer: what these say holds for all rows.
            AND b.kind IN ('ingest', 'foreign')
        RETURNING p.batch_no
    ), skipped AS (
        INSERT INTO dwh_lineage.skips (consumer, batch_no, move_id)
        SELECT in_target, g.batch_no, in_move
        FROM gone AS g
        WHERE NOT EXISTS (
            SELECT 1 FROM dwh_lineage.batch_inputs AS i
            JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
            WHERE i.input_batch_no = g.batch_no AND l.target = in_target
        )
        RETURNING batch_no
    )
    UPDATE dwh_lineage.watermark_moves SET batches = (SELECT count(*) FROM skipped) WHERE id = in_move;
END
$$;
COMMENT ON PROCEDURE dwh_lineage.skip_batches(text, timestamptz, bigint) IS 'Takes batches without loading them';
