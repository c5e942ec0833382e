-- Drops the months of a bronze table that are past its declared retention, the oldest first, up to the first that waits
-- for something; the only way in which bronze rows ever go. Before that the consumers' fold horizon moves to the end of
-- the last of them: what they say there becomes the base of later folds (dwh_etl.freeze_…). Writes one row for each
-- month into dwh_lineage.dropped_partitions. Nothing goes while an accounting line of a consumer has a gap.
-- Returns one row for each month past the retention: how many rows went, or what it waits for.
-- SECURITY DEFINER: nobody else may drop. Locks as loads of all consumers do, then the table, but waits 5 s at most:
-- who needs it comes first, and maintenance comes again.
CREATE FUNCTION dwh_etl.retire_partitions(in_target text, in_by text DEFAULT NULL)
RETURNS TABLE (month text, dropped bigint, waits_for text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET lock_timeout = '5s'
AS $$
DECLARE
    l_parent regclass := (SELECT t.rows_relation FROM dwh_lineage.targets AS t
                          WHERE t.target = in_target AND t.layer = 'bronze')::regclass;
    l_consumer record;
    l_month record;
    l_until timestamptz;
    l_gap bigint;
    l_gaps text;
    l_freeze regprocedure;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM dwh_etl.past_retention(in_target)) THEN
        RETURN;
    END IF;
    BEGIN
        -- Nobody registers meanwhile; ingestions, which hold it FOR KEY SHARE, go on.
        PERFORM 1 FROM dwh_lineage.targets AS t WHERE t.target = in_target FOR NO KEY UPDATE;
        PERFORM 1 FROM dwh_lineage.targets AS t
        JOIN dwh_lineage.target_inputs AS i ON i.consumer = t.target
        WHERE i.source = in_target ORDER BY t.target FOR NO KEY UPDATE OF t;

        SELECT max(p.until) INTO l_until FROM dwh_etl.past_retention(in_target) AS p WHERE p.waits_for IS NULL;
        FOR l_consumer IN
            SELECT t.target, t.outcomes_routine, t.kind
            FROM dwh_lineage.targets AS t
            JOIN dwh_lineage.target_inputs AS i ON i.consumer = t.target
            WHERE i.source = in_target AND l_until IS NOT NULL AND t.outcomes_routine IS NOT NULL
            ORDER BY t.target
        LOOP
            -- The name comes from targets, written by a migration, quoted.
            EXECUTE format('SELECT count(*) FROM %s() AS o WHERE o.outcome IS NULL', l_consumer.outcomes_routine)
            INTO l_gap;
            IF l_gap > 0 THEN
                l_gaps := concat_ws('; ', l_gaps,
                                    format('the gap of %s rows in the accounting line of %s', l_gap, l_consumer.target));
            END IF;
        END LOOP;

        FOR l_consumer IN
            SELECT t.target, greatest(t.fold_horizon, l_until) AS horizon
            FROM dwh_lineage.targets AS t
            JOIN dwh_lineage.target_inputs AS i ON i.consumer = t.target
            WHERE i.source = in_target AND l_until IS NOT NULL AND l_gaps IS NULL
            ORDER BY t.target
        LOOP
            l_freeze := to_regprocedure(
                format('dwh_etl.%I(timestamptz)', 'freeze_' || replace(l_consumer.target, '.', '_')));
            IF l_freeze IS NOT NULL THEN  -- an append table folds nothing
                EXECUTE format('CALL %s($1)', l_freeze::regproc) USING l_consumer.horizon;
            END IF;
            -- A load that began before meets 40001 and begins again.
            UPDATE dwh_lineage.targets AS t SET fold_horizon = l_consumer.horizon WHERE t.target = l_consumer.target;
        END LOOP;

        IF l_until IS NOT NULL AND l_gaps IS NULL THEN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', l_parent);
        END IF;
        FOR l_month IN SELECT * FROM dwh_etl.past_retention(in_target) LOOP
            month := l_month.month::text;
            waits_for := coalesce(l_month.waits_for, l_gaps);
            dropped := NULL;
            IF waits_for IS NULL THEN
                EXECUTE format(
                    'INSERT INTO dwh_lineage.dropped_partitions (target, partition, retention, until, rows, '
                    'first_batch_no, last_batch_no, first_ingested_at, last_ingested_at, dropped_by) '
                    'SELECT $1, $2, t.contract ->> ''retention'', $3, count(r._bronze_id), min(r._batch_no), '
                    'max(r._batch_no), min(r._ingested_at), max(r._ingested_at), $4 '
                    'FROM dwh_lineage.targets AS t LEFT JOIN %s AS r ON true WHERE t.target = $1 '
                    'GROUP BY t.target RETURNING rows', l_month.month
                ) INTO dropped USING in_target, month, l_month.until, coalesce(in_by, session_user::text);
                -- What other programs inserted was never counted; the ledger's sums would not balance any more.
                EXECUTE format(
                    'UPDATE dwh_lineage.batches AS b SET rows_inserted = r.n '
                    'FROM (SELECT p._batch_no, count(*) AS n FROM %s AS p GROUP BY p._batch_no) AS r '
                    'WHERE b.batch_no = r._batch_no AND b.rows_inserted IS NULL', l_month.month);
                EXECUTE format('DROP TABLE %s', l_month.month);
            END IF;
            RETURN NEXT;
        END LOOP;
    EXCEPTION
        WHEN lock_not_available THEN
            RETURN QUERY
            SELECT p.month::text, NULL::bigint, 'others, who use the table now'
            FROM dwh_etl.past_retention(in_target) AS p;
    END;
END
$$;
COMMENT ON FUNCTION dwh_etl.retire_partitions(text, text) IS 'Drops the months of a bronze table past its retention';
