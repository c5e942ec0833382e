-- Trigger of a table whose images somebody reads (dwh_etl.ensure_images): keeps the rows before and after each statement
-- under the number of the batch that the transaction has open for the table. A change outside of a load gets a batch of
-- its own, so that readers learn of it. A batch that changes much is marked instead; its readers compute everything.
-- What all readers have taken goes after a week: until then it says what a run changed. `SET LOCAL assay.images = off` for what is no change of the rows' meaning.
CREATE FUNCTION dwh_etl.keep_images()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_target text := TG_ARGV[0];
    l_images text := format('dwh_staging.%I', 'images_' || replace(TG_ARGV[0], '.', '_'));
    l_batch bigint;
    l_old bigint := 0;
    l_new bigint := 0;
    l_foreign boolean;
    l_kept record;
    l_taken bigint[];
BEGIN
    IF current_setting('assay.images', true) = 'off' THEN
        RETURN NULL;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        SELECT count(*) INTO l_old FROM old_rows;
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        SELECT count(*) INTO l_new FROM new_rows;
    END IF;
    IF l_old + l_new = 0 AND TG_OP <> 'TRUNCATE' THEN
        RETURN NULL;
    END IF;
    l_batch := (
        SELECT max(b.batch_no) FROM dwh_lineage.batches AS b
        WHERE b.opened_in = pg_current_xact_id()::text::bigint AND b.target = l_target AND b.completed_at IS NULL
    );
    l_foreign := l_batch IS NULL;
    IF l_foreign THEN
        l_batch := dwh_lineage.open_batch(l_target, 'foreign', gen_random_uuid());
    END IF;

    INSERT INTO dwh_staging.images AS i (batch_no, target, rows, everything)
    VALUES (l_batch, l_target, greatest(l_old, l_new), TG_OP = 'TRUNCATE')
    ON CONFLICT (batch_no) DO UPDATE
    SET rows = i.rows + excluded.rows, everything = i.everything OR excluded.everything
    RETURNING i.rows, i.everything, i.rows = greatest(l_old, l_new) AS is_first INTO l_kept;
    IF l_kept.is_first THEN
        WITH gone AS (
            DELETE FROM dwh_staging.images AS i
            USING dwh_lineage.batches AS b
            WHERE i.target = l_target AND b.batch_no = i.batch_no AND b.ingested_at < now() - interval '7 days'
                AND i.batch_no <> l_batch AND NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.pendings AS p
                JOIN dwh_lineage.target_inputs AS t ON t.consumer = p.consumer AND t.source = l_target
                WHERE p.batch_no = i.batch_no AND t.images IS NOT NULL
            )
            RETURNING i.batch_no
        )
        SELECT array_agg(g.batch_no) INTO l_taken FROM gone AS g;
        EXECUTE format('DELETE FROM %s WHERE _batch_no = ANY ($1)', l_images) USING l_taken;
    END IF;
    IF NOT l_kept.everything AND dwh_etl.why_too_many(l_target, l_kept.rows, 'rows') IS NOT NULL THEN
        UPDATE dwh_staging.images SET everything = true WHERE batch_no = l_batch;
        EXECUTE format('DELETE FROM %s WHERE _batch_no = $1', l_images) USING l_batch;
    ELSIF NOT l_kept.everything THEN
        IF TG_OP IN ('UPDATE', 'DELETE') THEN
            EXECUTE format('INSERT INTO %s SELECT $1, -1, o.* FROM old_rows AS o', l_images) USING l_batch;
        END IF;
        IF TG_OP IN ('UPDATE', 'INSERT') THEN
            EXECUTE format('INSERT INTO %s SELECT $1, 1, n.* FROM new_rows AS n', l_images) USING l_batch;
        END IF;
    END IF;

    IF l_foreign THEN
        PERFORM dwh_lineage.close_batch(
            l_batch, NULL, CASE WHEN TG_OP <> 'TRUNCATE' THEN greatest(l_new - l_old, 0) END, least(l_old, l_new),
            greatest(l_old - l_new, 0)
        );
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT 1 FROM dwh_lineage.targets AS t WHERE t.target = l_target AND t.kind = 'dimension'
        ) THEN
            -- Who sees standing members alone learned of a retired one when it was retired.
            EXECUTE 'SELECT bool_and(o._retired_at IS NOT NULL) FROM old_rows AS o' INTO l_foreign;
            DELETE FROM dwh_lineage.pendings AS p
            USING dwh_lineage.target_inputs AS i
            JOIN dwh_lineage.targets AS c ON c.target = i.consumer
            WHERE l_foreign AND p.batch_no = l_batch AND i.consumer = p.consumer AND i.source = l_target
                AND coalesce(i.images = 'standing', c.contract -> 'standing' ? l_target);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION dwh_etl.keep_images() IS 'Keeps the rows before and after each statement';
