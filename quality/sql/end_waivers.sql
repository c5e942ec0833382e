-- Ends the waivers of in_target that have expired: each gets the number of the last batch that was ingested before. So
-- what it governs never depends on the clock again, and a rebuild finds the same rows under it as the loads did. Called
-- by every load and rebuild of the table, which hold its row, before they look at a row: none has seen a later batch
-- under the waiver. Returns how many it ended.
CREATE FUNCTION dwh_lineage.end_waivers(in_target text)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_count bigint;
BEGIN
    UPDATE dwh_lineage.waivers AS w
    SET last_batch_no = coalesce(
        (
            SELECT max(b.batch_no)
            FROM dwh_lineage.target_inputs AS i
            JOIN dwh_lineage.batches AS b ON b.target = i.source
            WHERE i.consumer = w.target AND b.kind IN ('ingest', 'foreign') AND b.ingested_at <= w.expires_at
        ),
        0
    )
    WHERE w.target = in_target AND w.last_batch_no IS NULL AND w.expires_at <= now();
    GET DIAGNOSTICS l_count = ROW_COUNT;
    RETURN l_count;
END
$$;
COMMENT ON FUNCTION dwh_lineage.end_waivers(text) IS 'Gives waivers that have expired their last batch';
