-- What a run changed in in_target: each row before and after, by its key (a gold table's grain, else what names a row), the
-- columns that say who loaded it and when left out. Several loads of the run are one change. in_after: the key of the last
-- row of the page before. No rows of loads whose images are not kept (dwh_etl.run_changes says which). Locks nothing.
CREATE FUNCTION dwh_etl.row_changes(
    in_run bigint, in_target text, in_limit integer DEFAULT NULL, in_after jsonb DEFAULT NULL
)
RETURNS TABLE (what text, key jsonb, was jsonb, becomes jsonb)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
    l_images regclass := to_regclass(format('dwh_staging.%I', 'images_' || replace(in_target, '.', '_')));
    l_batches bigint[] := ARRAY(
        SELECT b.batch_no
        FROM dwh_lineage.pipeline_runs AS r
        JOIN dwh_lineage.batches AS b ON b.batch_id = r.batch_id
        JOIN dwh_staging.images AS i ON i.batch_no = b.batch_no AND NOT i.everything
        WHERE r.run_id = in_run AND b.target = in_target
    );
    l_identity text[] := coalesce(
        (
            SELECT array_agg(g.name)
            FROM dwh_lineage.targets AS t
            CROSS JOIN jsonb_array_elements_text(t.contract -> 'grain') AS g (name)
            WHERE t.target = in_target
        ),
        dwh_lineage.identity_of(in_target)
    );
    l_key text := (SELECT string_agg(format('%1$L, i.%1$I', k.name), ', ') FROM unnest(l_identity) AS k (name));
BEGIN
    IF l_images IS NULL OR l_batches = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        $query$
        SELECT
            CASE WHEN bool_and(n.change > 0) THEN 'inserted' WHEN bool_and(n.change < 0) THEN 'deleted' ELSE 'changed' END,
            n.key,
            (array_agg(n.row) FILTER (WHERE n.change < 0))[1],
            (array_agg(n.row) FILTER (WHERE n.change > 0))[1]
        FROM (
            SELECT k.key, to_jsonb(i) - '{_batch_no,_change,_batch_id,_loaded_at}'::text[] AS row, sum(i._change) AS change
            FROM %s AS i
            CROSS JOIN LATERAL (SELECT jsonb_build_object(%s) AS key) AS k
            WHERE i._batch_no = ANY ($1) AND ($2 IS NULL OR k.key > $2)
            GROUP BY 1, 2
            HAVING sum(i._change) <> 0
        ) AS n
        GROUP BY n.key
        ORDER BY n.key
        LIMIT $3
        $query$,
        l_images, l_key
    ) USING l_batches, in_after, in_limit;
END
$$;
COMMENT ON FUNCTION dwh_etl.row_changes(bigint, text, integer, jsonb) IS 'What a run changed in a table: rows before and after';
