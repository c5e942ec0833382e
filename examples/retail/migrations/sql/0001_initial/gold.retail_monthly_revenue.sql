CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    date_trunc('month', d.day)::date AS month,
    sum(d.revenue) AS revenue,
    sum(d.line_count)::bigint AS line_count
FROM gold.retail_daily_revenue AS d
GROUP BY 1
) AS q
WITH NO DATA;
CREATE TABLE gold.retail_monthly_revenue (
    LIKE dwh_staging.shape,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (month)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.retail_monthly_revenue
    ALTER COLUMN month SET NOT NULL;
COMMENT ON TABLE gold.retail_monthly_revenue IS 'What was sold in each month.';

CREATE TABLE dwh_staging.sums_gold_retail_monthly_revenue AS
SELECT
    q.month,
    count(*) AS _rows,
    count(q._value_1) AS _filled_1,
    count(q._value_2) AS _filled_2,
    sum(q._value_1) AS _sum_1,
    sum(q._value_2) AS _sum_2
FROM (
SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month, "d"."revenue" AS _value_1, "d"."line_count" AS _value_2
FROM gold.retail_daily_revenue AS d
) AS q
GROUP BY 1
WITH NO DATA;
CREATE UNIQUE INDEX ON dwh_staging.sums_gold_retail_monthly_revenue (month);
COMMENT ON TABLE dwh_staging.sums_gold_retail_monthly_revenue IS 'Counts and sums of which gold.retail_monthly_revenue is made';

-- Computes gold.retail_monthly_revenue for the keys that changes of its inputs touch, or in full where these are
-- many and writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_retail_monthly_revenue(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_computed bigint;
    l_inserted bigint;
    l_updated bigint;
    l_deleted bigint;
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.retail_monthly_revenue');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
    l_summed boolean := false;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.retail_monthly_revenue', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.retail_monthly_revenue', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT day, line_count, revenue, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_retail_daily_revenue
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY day, line_count, revenue
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('gold.retail_daily_revenue', coalesce((l_read ->> 'gold.retail_daily_revenue')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.retail_daily_revenue', l_delta_1, 'changed rows'));
    END IF;
    l_summed := l_full IS NULL AND dwh_etl.sums_are_exact('gold.retail_monthly_revenue', l_load.taken, l_load.load_batch);
    IF l_summed THEN
        DROP TABLE IF EXISTS pg_temp.moved;
        CREATE TEMP TABLE moved ON COMMIT DROP AS
        SELECT q.*, 1::numeric AS _many
        FROM (
        SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month, "d"."revenue" AS _value_1, "d"."line_count" AS _value_2
        FROM gold.retail_daily_revenue AS d
        ) AS q
        WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.moved (month, _value_1, _value_2, _many)
            SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month, "d"."revenue" AS _value_1, "d"."line_count" AS _value_2, d._many AS _many
            FROM (SELECT day, line_count, revenue, _change::numeric AS _many FROM pg_temp.delta_1) AS d;
        END IF;
        DROP TABLE IF EXISTS pg_temp.gained;
        CREATE TEMP TABLE gained ON COMMIT DROP AS
        SELECT
            q.month,
            sum(q._many)::bigint AS _rows,
            coalesce(sum(q._many) FILTER (WHERE q._value_1 IS NOT NULL), 0)::bigint AS _filled_1,
            coalesce(sum(q._many) FILTER (WHERE q._value_2 IS NOT NULL), 0)::bigint AS _filled_2,
            coalesce(sum(q._value_1 * q._many), 0) AS _sum_1,
            coalesce(sum(q._value_2 * q._many), 0) AS _sum_2
        FROM pg_temp.moved AS q
        GROUP BY 1
        HAVING sum(q._many)::bigint <> 0 OR coalesce(sum(q._many) FILTER (WHERE q._value_1 IS NOT NULL), 0)::bigint <> 0 OR coalesce(sum(q._many) FILTER (WHERE q._value_2 IS NOT NULL), 0)::bigint <> 0 OR coalesce(sum(q._value_1 * q._many), 0) <> 0 OR coalesce(sum(q._value_2 * q._many), 0) <> 0;
        -- A key that is NULL is found by no equation, and from what is no number nothing can be taken away.
        l_summed := NOT EXISTS (SELECT 1 FROM pg_temp.gained AS g WHERE g.month IS NULL OR g._sum_1 IN ('NaN', 'Infinity', '-Infinity') OR g._sum_2 IN ('NaN', 'Infinity', '-Infinity'));
    END IF;
    IF l_summed THEN
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT g.month FROM pg_temp.gained AS g;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
    ELSIF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.month FROM gold.retail_monthly_revenue AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (month)
            SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month FROM pg_temp.delta_1 AS d;
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.month IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.month FROM pg_temp.candidates AS c WHERE c.month IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.retail_monthly_revenue', l_keys, 'keys'),
            dwh_etl.why_costly('gold.retail_monthly_revenue', l_keys,  E'[["gold.retail_daily_revenue", "gold.retail_daily_revenue AS d WHERE (CAST(DATE_TRUNC(''MONTH'', \\"d\\".\\"day\\") AS DATE)) IN (SELECT month FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    DROP TABLE IF EXISTS pg_temp.totals;
    IF l_full IS NULL THEN
        IF l_summed THEN
            CREATE TEMP TABLE totals ON COMMIT DROP AS
            SELECT * FROM dwh_staging.sums_gold_retail_monthly_revenue WITH NO DATA;
            INSERT INTO pg_temp.totals (month, _rows, _filled_1, _filled_2, _sum_1, _sum_2)
            SELECT g.month, coalesce(s._rows, 0) + g._rows, coalesce(s._filled_1, 0) + g._filled_1, coalesce(s._filled_2, 0) + g._filled_2, coalesce(s._sum_1, 0) + g._sum_1, coalesce(s._sum_2, 0) + g._sum_2
            FROM pg_temp.gained AS g
            LEFT JOIN dwh_staging.sums_gold_retail_monthly_revenue AS s ON s.month = g.month;
            IF EXISTS (SELECT 1 FROM pg_temp.totals AS t WHERE t._rows < 0 OR t._filled_1 < 0 OR t._filled_2 < 0) THEN
                PERFORM dwh_etl.refuse_sums('gold.retail_monthly_revenue');
            END IF;
            DELETE FROM pg_temp.totals AS t WHERE t._rows = 0;
        ELSE
            CREATE TEMP TABLE totals ON COMMIT DROP AS
            SELECT
                q.month,
                count(*) AS _rows,
                count(q._value_1) AS _filled_1,
                count(q._value_2) AS _filled_2,
                sum(q._value_1) AS _sum_1,
                sum(q._value_2) AS _sum_2
            FROM (
            SELECT q.* FROM (
            SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month, "d"."revenue" AS _value_1, "d"."line_count" AS _value_2
            FROM (SELECT * FROM gold.retail_daily_revenue AS d WHERE (CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE)) IN (SELECT month FROM pg_temp.touched)) AS d
            ) AS q
            WHERE (q.month) IN (SELECT t.month FROM pg_temp.touched AS t)
            UNION ALL  -- a key that is NULL is found by no equation
            SELECT q.* FROM (
            SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month, "d"."revenue" AS _value_1, "d"."line_count" AS _value_2
            FROM gold.retail_daily_revenue AS d
            ) AS q
            WHERE l_lacks AND (q.month IS NULL)
            ) AS q
            GROUP BY 1;
        END IF;
        DELETE FROM dwh_staging.sums_gold_retail_monthly_revenue AS s WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.month = s.month);
    ELSE
        CREATE TEMP TABLE totals ON COMMIT DROP AS
        SELECT
            q.month,
            count(*) AS _rows,
            count(q._value_1) AS _filled_1,
            count(q._value_2) AS _filled_2,
            sum(q._value_1) AS _sum_1,
            sum(q._value_2) AS _sum_2
        FROM (
        SELECT CAST(DATE_TRUNC('MONTH', "d"."day") AS DATE) AS month, "d"."revenue" AS _value_1, "d"."line_count" AS _value_2
        FROM gold.retail_daily_revenue AS d
        ) AS q
        GROUP BY 1;
        DELETE FROM dwh_staging.sums_gold_retail_monthly_revenue;
        CALL dwh_etl.align_sums('gold.retail_monthly_revenue');
        l_read := jsonb_build_object('gold.retail_daily_revenue', (SELECT count(*) FROM gold.retail_daily_revenue));
    END IF;
    INSERT INTO dwh_staging.sums_gold_retail_monthly_revenue (month, _rows, _filled_1, _filled_2, _sum_1, _sum_2)
    SELECT month, _rows, _filled_1, _filled_2, _sum_1, _sum_2 FROM pg_temp.totals;
    DROP TABLE IF EXISTS pg_temp.computed;
    CREATE TEMP TABLE computed ON COMMIT DROP AS
    SELECT
        s.month AS month,
        CASE WHEN s._filled_1 > 0 THEN s._sum_1 END AS revenue,
        CAST(CASE WHEN s._filled_2 > 0 THEN s._sum_2 END AS BIGINT) AS line_count
    FROM pg_temp.totals AS s;
    RAISE NOTICE '%', 'gold.retail_monthly_revenue' || ': ' || dwh_etl.way_of_load(l_full, l_keys, l_summed);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.retail_monthly_revenue');
    ANALYZE pg_temp.computed;

    IF l_full IS NULL THEN
        DELETE FROM gold.retail_monthly_revenue AS g
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.month = g.month)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.month = g.month);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        DELETE FROM gold.retail_monthly_revenue AS g
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.month = g.month);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.retail_monthly_revenue AS g
    SET revenue = c.revenue, line_count = c.line_count, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.month = c.month AND ROW(g.revenue, g.line_count) IS DISTINCT FROM ROW(c.revenue, c.line_count);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.retail_monthly_revenue (month, revenue, line_count, _batch_id)
    SELECT c.month, c.revenue, c.line_count, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.retail_monthly_revenue AS g WHERE g.month = c.month
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.retail_monthly_revenue' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'aggregate',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys, l_summed)
    );
END
$routine$;

-- Computes gold.retail_monthly_revenue although nothing waits for it. Takes the run's id. Locks the table's row
-- in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_retail_monthly_revenue(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.retail_monthly_revenue';
    CALL dwh_etl.load_gold_retail_monthly_revenue(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.retail_monthly_revenue is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_retail_monthly_revenue(
    in_key jsonb DEFAULT NULL, in_source text DEFAULT NULL, in_source_key jsonb DEFAULT NULL
)
RETURNS TABLE (key jsonb, source_table text, source_key jsonb)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
#variable_conflict use_column
DECLARE
    l_key gold.retail_monthly_revenue%ROWTYPE := jsonb_populate_record(NULL::gold.retail_monthly_revenue, in_key);
    l_source_1 gold.retail_daily_revenue%ROWTYPE := jsonb_populate_record(
        NULL::gold.retail_daily_revenue, CASE WHEN in_source = 'gold.retail_daily_revenue' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'gold.retail_daily_revenue' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('month', q.month),
            'gold.retail_daily_revenue',
            jsonb_build_object('day', q._origin_0, 'country', q._origin_1)
        FROM (
            SELECT
              CAST(DATE_TRUNC('MONTH', d.day) AS DATE) AS month,
              "d"."day" AS _origin_0,
              "d"."country" AS _origin_1
            FROM gold.retail_daily_revenue AS d
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.month = l_key.month))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.day AND q._origin_1 = l_source_1.country));
    END IF;
END
$routine$;

INSERT INTO dwh_lineage.targets (
    target,
    layer,
    kind,
    warehouse,
    description,
    contract,
    rows_relation,
    load_routine,
    rebuild_routine,
    origins_routine
)
VALUES (
    'gold.retail_monthly_revenue',
    'gold',
    'aggregate',
    'retail',
    'What was sold in each month.',
     E'{"columns": [{"name": "month"}, {"name": "revenue"}, {"name": "line_count"}], "description": "What was sold in each month.", "grain": ["month"], "kind": "aggregate", "layer": "gold", "name": "retail_monthly_revenue", "origins": {"gold.retail_daily_revenue": ["day", "country"]}, "query": "SELECT\\n    date_trunc(''month'', d.day)::date AS month,\\n    sum(d.revenue) AS revenue,\\n    sum(d.line_count)::bigint AS line_count\\nFROM gold.retail_daily_revenue AS d\\nGROUP BY 1"}'::jsonb,
    'gold.retail_monthly_revenue',
    'dwh_etl.load_gold_retail_monthly_revenue',
    'dwh_etl.rebuild_gold_retail_monthly_revenue',
    'dwh_etl.origins_gold_retail_monthly_revenue'
)
ON CONFLICT (target) DO UPDATE SET
    layer = excluded.layer,
    kind = excluded.kind,
    warehouse = excluded.warehouse,
    description = excluded.description,
    contract = excluded.contract,
    rows_relation = excluded.rows_relation,
    load_routine = excluded.load_routine,
    rebuild_routine = excluded.rebuild_routine,
    origins_routine = excluded.origins_routine;

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.retail_monthly_revenue' AND active;

SELECT dwh_lineage.register_input('gold.retail_monthly_revenue', 'gold.retail_daily_revenue');
SELECT dwh_etl.read_images('gold.retail_monthly_revenue', '{"gold.retail_daily_revenue": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.retail_monthly_revenue' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('gold.retail_daily_revenue', 'day', 'gold.retail_monthly_revenue', 'month', 'CAST(DATE_TRUNC(''MONTH'', d.day) AS DATE)', 'DIRECT', true),
    ('gold.retail_daily_revenue', 'revenue', 'gold.retail_monthly_revenue', 'revenue', 'SUM(d.revenue)', 'DIRECT', false),
    ('gold.retail_daily_revenue', 'line_count', 'gold.retail_monthly_revenue', 'line_count', 'CAST(SUM(d.line_count) AS BIGINT)', 'DIRECT', false);

SELECT dwh_etl.ensure_images('gold.retail_monthly_revenue');
