-- The months of a bronze table that lie wholly past its declared retention, oldest first, each with what it waits for
-- before it may go (NULL: nothing): consumers that have not taken its batches, exceptions of its rows that nobody has
-- decided on, a rebuild that is due, a gold table that is computed from all rows, an older month that waits.
-- Reads these months; locks nothing.
CREATE FUNCTION dwh_etl.past_retention(in_target text)
RETURNS TABLE (month regclass, until timestamptz, waits_for text)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
DECLARE
    l_parent regclass;
    l_retention interval;
    l_consumers text[] := ARRAY(
        SELECT i.consumer FROM dwh_lineage.target_inputs AS i WHERE i.source = in_target ORDER BY 1
    );
    l_unready text;
    l_batches text;
    l_exceptions text;
    l_older text;
BEGIN
    SELECT t.rows_relation::regclass, (t.contract ->> 'retention')::interval INTO l_parent, l_retention
    FROM dwh_lineage.targets AS t WHERE t.target = in_target AND t.layer = 'bronze';
    SELECT string_agg(
        t.target || CASE WHEN t.layer = 'gold' THEN ', which is computed from all rows' ELSE '''s rebuild' END,
        ', ' ORDER BY t.target
    ) INTO l_unready
    FROM dwh_lineage.targets AS t
    WHERE t.target = ANY (l_consumers) AND (t.needs_rebuild OR t.layer = 'gold');
    FOR month, until IN
        SELECT b.oid, b.until
        FROM (
            SELECT c.oid, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS until
            FROM pg_inherits AS i
            JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = l_parent
        ) AS b
        WHERE b.until <= now() - l_retention
        ORDER BY b.until
    LOOP
        EXECUTE format(
            'SELECT string_agg(format(''%%s to take %%s batches'', w.consumer, w.n), '', '' ORDER BY w.consumer) FROM ('
            'SELECT p.consumer, count(DISTINCT p.batch_no) AS n FROM dwh_lineage.pendings AS p '
            'JOIN %s AS r ON r._batch_no = p.batch_no WHERE p.consumer = ANY ($1) GROUP BY p.consumer) AS w', month
        ) INTO l_batches USING l_consumers;
        EXECUTE format(
            'SELECT string_agg(format(''decisions on %%s exceptions of %%s'', w.n, w.target_table), '', '' '
            'ORDER BY w.target_table) FROM ('
            'SELECT x.target_table, count(*) AS n FROM dwh_lineage.quality_exceptions AS x '
            'JOIN %s AS r ON r._bronze_id = x.bronze_id WHERE x.target_table = ANY ($1) '
            'AND x.state IN (''open'', ''proposed'', ''queued'') GROUP BY x.target_table) AS w', month
        ) INTO l_exceptions USING l_consumers;
        waits_for := nullif(concat_ws('; ', l_batches, l_exceptions, l_unready, l_older), '');
        IF waits_for IS NOT NULL THEN
            l_older := coalesce(l_older, format('%s', month));
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_etl.past_retention(text) IS 'The months of a bronze table past its retention, and what they wait for';
