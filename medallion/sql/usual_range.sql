-- Between which bounds the metric in_metric of in_target usually lies: so many deviations (1.4826 × the median of the
-- distances from the median, at least 5 percent of it and 1) around the median of the in_last last values that no gate
-- refused; of today's weekday (UTC) where there are five such, else of all. NULL before there are five. No side effects.
CREATE FUNCTION dwh_etl.usual_range(
    in_target text,
    in_metric text,
    in_last integer,
    in_within numeric,
    OUT low numeric,
    OUT high numeric,
    OUT median numeric
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
AS $$
    WITH known AS (
        SELECT m.metric_value AS value, extract(isodow FROM m.measured_at) = extract(isodow FROM now()) AS same_day,
            row_number() OVER (PARTITION BY extract(isodow FROM m.measured_at) ORDER BY m.measured_at DESC) AS of_day,
            row_number() OVER (ORDER BY m.measured_at DESC) AS of_all
        FROM dwh_lineage.quality_metrics AS m
        WHERE m.table_name = in_target AND m.metric_name = in_metric AND m.metric_value IS NOT NULL
            AND NOT m.details ? 'refused'
        ORDER BY m.measured_at DESC
        LIMIT in_last * 7
    ), compared AS (
        SELECT k.value FROM known AS k
        WHERE CASE WHEN (SELECT count(*) FROM known AS s WHERE s.same_day) >= 5 THEN k.same_day AND k.of_day <= in_last
            ELSE k.of_all <= in_last END
    ), middle AS (
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY c.value)::numeric AS median FROM compared AS c
        HAVING count(*) >= 5
    ), spread AS (
        SELECT d.median, greatest(
            1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(c.value - d.median))::numeric,
            0.05 * d.median, 1
        ) AS deviation
        FROM middle AS d CROSS JOIN compared AS c GROUP BY d.median
    )
    SELECT CASE WHEN s.median IS NOT NULL THEN greatest(s.median - in_within * s.deviation, 0) END,
        s.median + in_within * s.deviation, s.median
    FROM (SELECT) AS one LEFT JOIN spread AS s ON true;
$$;
COMMENT ON FUNCTION dwh_etl.usual_range(text, text, integer, numeric) IS 'Between which bounds a metric usually lies';
