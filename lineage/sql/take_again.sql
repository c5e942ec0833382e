-- Makes the batches that the sources of in_target committed after in_value wait for it again; skips of them are undone.
-- Called by dwh_etl.set_watermark, which holds the table's row. Batches of now: they come by themselves.
CREATE PROCEDURE dwh_lineage.take_again(in_target text, in_value timestamptz, in_move bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dwh_lineage.skips AS k
    USING dwh_lineage.batches AS b
    WHERE k.consumer = in_target AND b.batch_no = k.batch_no AND b.ingested_at > in_value;
    WITH again AS (
        INSERT INTO dwh_lineage.pendings (consumer, batch_no)
        SELECT in_target, b.batch_no
        FROM dwh_lineage.target_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.target = i.source
        WHERE i.consumer = in_target AND b.ingested_at > in_value
        ON CONFLICT DO NOTHING
        RETURNING batch_no
    )
    UPDATE dwh_lineage.watermark_moves SET batches = (SELECT count(*) FROM again) WHERE id = in_move;
END
$$;
COMMENT ON PROCEDURE dwh_lineage.take_again(text, timestamptz, bigint) IS 'Makes batches wait again';
