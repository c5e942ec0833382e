-- Makes the batches that the sources of each of in_targets committed after in_after, up to in_until, wait for it again;
-- returns how many. What was skipped by decision stays skipped; what waits already waits once. For backfills.
-- Locks nothing, but waits for a load that is just taking one of these batches.
CREATE FUNCTION dwh_lineage.take_again_between(in_targets text[], in_after timestamptz, in_until timestamptz)
RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH again AS (
        INSERT INTO dwh_lineage.pendings (consumer, batch_no)
        SELECT i.consumer, b.batch_no
        FROM dwh_lineage.target_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.target = i.source AND b.ingested_at > in_after AND b.ingested_at <= in_until
        WHERE i.consumer = ANY (in_targets)
            AND (b.rows_inserted IS NULL OR b.rows_inserted + b.rows_updated + b.rows_deleted > 0)  -- as in close_batch
            AND NOT EXISTS (
                SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = i.consumer AND k.batch_no = b.batch_no
            )
        ON CONFLICT DO NOTHING
        RETURNING batch_no
    )
    SELECT count(*) FROM again
$$;
COMMENT ON FUNCTION dwh_lineage.take_again_between(text[], timestamptz, timestamptz) IS 'Makes batches of a time wait again';
