-- Begins a load of in_target: takes its row in targets (so two loads of one table exclude each other), takes every
-- batch that waits for it, and opens its own batch. taken is NULL where nothing waits: there is nothing to do then.
-- Says with a NOTICE what it takes, for the log of the step and for who called it by hand.
-- in_rebuild: the load writes the table anew from everything; it also runs where nothing waits.
-- Must run in REPEATABLE READ: the snapshot decides which batches are there. A serialization failure (40001) here
-- means that another load of the table has just finished: begin again at once.
CREATE FUNCTION dwh_lineage.begin_load(
    in_target text,
    in_batch_id uuid,
    in_rebuild boolean DEFAULT false,
    OUT load_batch bigint,
    OUT taken bigint[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_load_no bigint;
    l_rows bigint;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'A load of % must run in REPEATABLE READ, not in %.',
            in_target, upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'AS001',
                  HINT = 'BEGIN ISOLATION LEVEL REPEATABLE READ; CALL …; COMMIT;';
    END IF;
    UPDATE dwh_lineage.targets AS t SET load_no = t.load_no + 1 WHERE t.target = in_target
    RETURNING t.load_no INTO l_load_no;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The table % is not installed.', in_target
            USING ERRCODE = 'AS010', HINT = 'Declare it in a warehouse.py, then run makemigrations and migrate.';
    END IF;
    WITH gone AS (DELETE FROM dwh_lineage.pendings AS p WHERE p.consumer = in_target RETURNING p.batch_no)
    SELECT array_agg(g.batch_no ORDER BY g.batch_no) INTO taken FROM gone AS g;
    IF taken IS NULL AND NOT in_rebuild THEN
        RETURN;
    END IF;
    taken := coalesce(taken, '{}');
    load_batch := dwh_lineage.open_batch(
        in_target, CASE WHEN in_rebuild THEN 'rebuild' ELSE 'load' END, in_batch_id, in_load_no => l_load_no
    );
    INSERT INTO dwh_lineage.batch_inputs (batch_no, input_batch_no)
    SELECT load_batch, u.batch_no FROM unnest(taken) AS u (batch_no);
    -- Unknown where another program wrote one of them.
    SELECT CASE WHEN bool_and(b.rows_inserted IS NOT NULL) THEN
        sum(b.rows_inserted + coalesce(b.rows_updated, 0) + coalesce(b.rows_deleted, 0)) END
    INTO l_rows FROM dwh_lineage.batches AS b WHERE b.batch_no = ANY (taken);
    RAISE NOTICE '%', format(
        '%s takes %s batch%s%s%s.', in_target, cardinality(taken), CASE WHEN cardinality(taken) = 1 THEN '' ELSE 'es' END,
        ' with ' || l_rows || ' rows', CASE WHEN in_rebuild THEN ', and is written anew' END
    );
END
$$;
COMMENT ON FUNCTION dwh_lineage.begin_load(text, uuid, boolean) IS 'Begins a load: takes the batches that wait for it';
