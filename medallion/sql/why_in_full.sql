-- Why a load of in_target that takes the batches in_taken computes all of it; NULL where the images of these batches say
-- everything that changed. in_anew: its rebuild waits. Locks nothing.
CREATE FUNCTION dwh_etl.why_in_full(in_target text, in_taken bigint[], in_anew boolean)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_batch record;
BEGIN
    IF in_anew THEN
        RETURN 'somebody asked for it, or its declaration changed';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b WHERE b.target = in_target AND b.completed_at IS NOT NULL
    ) THEN
        RETURN 'it is its first load';
    END IF;
    IF EXISTS (
        SELECT 1
        FROM dwh_lineage.skips AS k
        JOIN dwh_lineage.watermark_moves AS m ON m.id = k.move_id
        WHERE k.consumer = in_target AND NOT EXISTS (
            SELECT 1 FROM dwh_lineage.batches AS b
            WHERE b.target = in_target AND b.kind = 'rebuild' AND b.ingested_at > m.moved_at
                AND b.completed_at IS NOT NULL
        )
    ) THEN
        RETURN 'batches of its sources were skipped since its last rebuild';
    END IF;
    SELECT b.batch_no, b.target, i.everything INTO l_batch
    FROM unnest(in_taken) AS u (batch_no)
    JOIN dwh_lineage.batches AS b ON b.batch_no = u.batch_no
    LEFT JOIN dwh_staging.images AS i ON i.batch_no = u.batch_no
    WHERE i.everything IS NOT FALSE
    ORDER BY b.batch_no
    LIMIT 1;
    IF FOUND THEN
        RETURN format(
            CASE WHEN l_batch.everything THEN 'batch %s changed much of %s' ELSE 'no images are kept of batch %s of %s' END,
            l_batch.batch_no, l_batch.target
        );
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.why_in_full(text, bigint[], boolean) IS 'Why a load computes all of its table';
