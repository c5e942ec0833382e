-- How many columns of the source of in_target have values in the batches in_taken and had none in those of the load before,
-- or the other way round. Columns that nobody declared count by their names in `_extra`. details: `columns`, `new`, `gone`.
-- NULL where the batches have no rows. No side effects.
CREATE FUNCTION dwh_etl.measure_schema(
    in_target text,
    in_metric text,
    in_source text,
    in_taken bigint[],
    OUT changed numeric,
    OUT details jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_rows regclass := (SELECT t.rows_relation::regclass FROM dwh_lineage.targets AS t WHERE t.target = in_source);
    l_filled text;
    l_first bigint;
    l_last bigint;
    l_now jsonb;
    l_before jsonb;
    l_new jsonb;
    l_gone jsonb;
BEGIN
    SELECT min(b.first_bronze_id), max(b.last_bronze_id) INTO l_first, l_last
    FROM dwh_lineage.batches AS b WHERE b.batch_no = ANY (in_taken) AND b.target = in_source;
    SELECT string_agg(format('CASE WHEN count(r.%1$I) > 0 THEN %1$L END', a.attname), ', ' ORDER BY a.attnum) INTO l_filled
    FROM pg_attribute AS a
    WHERE a.attrelid = l_rows AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE '\_%';
    EXECUTE format(
        'WITH r AS MATERIALIZED (SELECT * FROM %s AS b WHERE b._batch_no = ANY ($1) AND b._bronze_id BETWEEN $2 AND $3) '
        'SELECT jsonb_agg(DISTINCT c.name ORDER BY c.name) FROM ('
        'SELECT unnest(x.names) AS name FROM (SELECT ARRAY[%s] AS names FROM r) AS x '
        'UNION SELECT k FROM r CROSS JOIN LATERAL jsonb_object_keys(r._extra) AS k) AS c WHERE c.name IS NOT NULL',
        l_rows, l_filled
    ) INTO l_now USING in_taken, l_first, l_last;
    IF l_now IS NULL THEN
        RETURN;
    END IF;
    l_before := (
        SELECT m.details -> 'columns' FROM dwh_lineage.quality_metrics AS m
        WHERE m.table_name = in_target AND m.metric_name = in_metric AND m.details ? 'columns'
            AND NOT m.details ? 'refused'
        ORDER BY m.measured_at DESC, m.id DESC LIMIT 1
    );
    l_new := (SELECT coalesce(jsonb_agg(c), '[]') FROM jsonb_array_elements_text(l_now) AS c
              WHERE l_before IS NOT NULL AND NOT l_before ? c);
    l_gone := (SELECT coalesce(jsonb_agg(c), '[]') FROM jsonb_array_elements_text(l_before) AS c WHERE NOT l_now ? c);
    changed := jsonb_array_length(l_new) + jsonb_array_length(l_gone);
    details := jsonb_build_object('columns', l_now, 'new', l_new, 'gone', l_gone);
END
$$;
COMMENT ON FUNCTION dwh_etl.measure_schema(text, text, text, bigint[]) IS 'Which columns of a source are new or gone';
