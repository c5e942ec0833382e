-- How far the values of a column have moved from those of the in_last last loads: their population stability index. in_rows
-- is a SELECT of the column as `value`. Numbers and times are compared by decile, other values by the twenty most frequent
-- ones; both as the first of these loads had them. details: `bins` and the share of each. The first load only measures.
-- No side effects; reads with the caller's rights.
CREATE FUNCTION dwh_etl.measure_drift(
    in_target text,
    in_metric text,
    in_rows text,
    in_last integer,
    OUT psi numeric,
    OUT total numeric,
    OUT details jsonb
)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_type text;
    l_bins jsonb;
    l_usual jsonb;
    l_number text;
    l_bin text;
    l_shares jsonb;
BEGIN
    EXECUTE format('SELECT pg_typeof(v.value)::text FROM (%s) AS v LIMIT 1', in_rows) INTO l_type;
    IF l_type IS NULL THEN
        RETURN;  -- no rows: nothing to compare
    END IF;
    l_number := CASE
        WHEN l_type IN ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision') THEN 'v.value::numeric'
        WHEN l_type IN ('date', 'timestamp with time zone', 'timestamp without time zone')
            THEN 'extract(epoch FROM v.value)::numeric'
    END;
    WITH last AS (
        SELECT m.details FROM dwh_lineage.quality_metrics AS m
        WHERE m.table_name = in_target AND m.metric_name = in_metric AND m.details ? 'bins'
            AND NOT m.details ? 'refused'
        ORDER BY m.measured_at DESC, m.id DESC LIMIT in_last
    ), comparable AS (
        SELECT l.details FROM last AS l WHERE l.details -> 'bins' = (SELECT x.details -> 'bins' FROM last AS x LIMIT 1)
    )
    SELECT (SELECT c.details -> 'bins' FROM comparable AS c LIMIT 1), (
        SELECT jsonb_object_agg(u.key, u.share) FROM (
            SELECT s.key, sum(s.value::numeric) / (SELECT count(*) FROM comparable) AS share
            FROM comparable AS c CROSS JOIN LATERAL jsonb_each_text(c.details -> 'shares') AS s GROUP BY s.key
        ) AS u
    ) INTO l_bins, l_usual;
    IF l_bins IS NULL AND l_number IS NOT NULL THEN
        EXECUTE format(
            'SELECT to_jsonb(ARRAY(SELECT DISTINCT b FROM unnest(percentile_disc(ARRAY[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, '
            '0.8, 0.9]) WITHIN GROUP (ORDER BY %s)) AS b WHERE b IS NOT NULL ORDER BY b)) FROM (%s) AS v', l_number, in_rows
        ) INTO l_bins;
    ELSIF l_bins IS NULL THEN
        EXECUTE format(
            'SELECT coalesce(jsonb_agg(t.value ORDER BY t.value), ''[]'') FROM (SELECT v.value::text AS value FROM (%s) AS v '
            'WHERE v.value IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 20) AS t', in_rows
        ) INTO l_bins;
    END IF;
    l_bin := CASE
        WHEN l_number IS NULL THEN 'CASE WHEN v.value IS NULL THEN ''none'' WHEN $1 ? v.value::text '
            'THEN ''='' || v.value::text ELSE ''other'' END'
        WHEN l_bins = '[]' THEN 'CASE WHEN v.value IS NULL THEN ''none'' ELSE ''0'' END'
        ELSE format('CASE WHEN v.value IS NULL THEN ''none'' ELSE width_bucket(%s, '
            'ARRAY(SELECT b::numeric FROM jsonb_array_elements_text($1) AS b))::text END', l_number)
    END;
    EXECUTE format(
        'SELECT sum(g.n), jsonb_object_agg(g.bin, round(g.n / g.total, 6)) FROM (SELECT %s AS bin, count(*) AS n, '
        'sum(count(*)) OVER () AS total FROM (%s) AS v GROUP BY 1) AS g', l_bin, in_rows
    ) INTO total, l_shares USING l_bins;
    SELECT coalesce(sum((a.now - a.before) * ln(a.now / a.before)), 0) INTO psi
    FROM (
        -- A bin without rows has no logarithm.
        SELECT greatest((l_shares ->> k)::numeric, 0.0001) AS now, greatest((l_usual ->> k)::numeric, 0.0001) AS before
        FROM jsonb_object_keys(l_shares || l_usual) AS k
    ) AS a;
    details := jsonb_build_object('bins', l_bins, 'shares', l_shares);
END
$$;
COMMENT ON FUNCTION dwh_etl.measure_drift(text, text, text, integer) IS 'How far the values of a column have moved';
