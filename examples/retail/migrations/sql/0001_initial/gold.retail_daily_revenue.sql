CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    (l.invoiced_at AT TIME ZONE 'UTC')::date AS day,
    coalesce(l.country, 'Unspecified') AS country,
    sum(l.quantity * l.unit_price) AS revenue,
    count(*) AS line_count,
    count(DISTINCT l.invoice_no) AS invoice_count
FROM silver.invoice_lines AS l
GROUP BY 1, 2
) AS q
WITH NO DATA;
CREATE TABLE gold.retail_daily_revenue (
    LIKE dwh_staging.shape,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, country)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.retail_daily_revenue
    ALTER COLUMN day SET NOT NULL,
    ALTER COLUMN country SET NOT NULL;
COMMENT ON TABLE gold.retail_daily_revenue IS 'What was sold on each day in each country.';


-- Computes gold.retail_daily_revenue for the keys that changes of its inputs touch, or in full where these are
-- many and writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_retail_daily_revenue(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.retail_daily_revenue');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.retail_daily_revenue', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.retail_daily_revenue', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT country, invoice_no, invoiced_at, quantity, unit_price, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_invoice_lines
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY country, invoice_no, invoiced_at, quantity, unit_price
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('silver.invoice_lines', coalesce((l_read ->> 'silver.invoice_lines')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.invoice_lines', l_delta_1, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.day, g.country FROM gold.retail_daily_revenue AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (day, country)
            SELECT CAST(("l"."invoiced_at" AT TIME ZONE 'UTC') AS DATE) AS day, COALESCE("l"."country", 'Unspecified') AS country FROM pg_temp.delta_1 AS l;
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.day IS NULL OR c.country IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.day, c.country FROM pg_temp.candidates AS c WHERE c.day IS NOT NULL AND c.country IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.retail_daily_revenue', l_keys, 'keys'),
            dwh_etl.why_costly('gold.retail_daily_revenue', l_keys,  E'[["silver.invoice_lines", "silver.invoice_lines AS l WHERE (CAST((\\"l\\".\\"invoiced_at\\" AT TIME ZONE ''UTC'') AS DATE), COALESCE(\\"l\\".\\"country\\", ''Unspecified'')) IN (SELECT day, country FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.day,
            q.country,
            q.revenue,
            q.line_count,
            q.invoice_count
        FROM (
        SELECT
            (l.invoiced_at AT TIME ZONE 'UTC')::date AS day,
            coalesce(l.country, 'Unspecified') AS country,
            sum(l.quantity * l.unit_price) AS revenue,
            count(*) AS line_count,
            count(DISTINCT l.invoice_no) AS invoice_count
        FROM (SELECT * FROM silver.invoice_lines AS l WHERE (CAST(("l"."invoiced_at" AT TIME ZONE 'UTC') AS DATE), COALESCE("l"."country", 'Unspecified')) IN (SELECT day, country FROM pg_temp.touched)) AS l
        GROUP BY 1, 2
        ) AS q
        WHERE (q.day, q.country) IN (SELECT t.day, t.country FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.day,
                q.country,
                q.revenue,
                q.line_count,
                q.invoice_count
            FROM (
        SELECT
            (l.invoiced_at AT TIME ZONE 'UTC')::date AS day,
            coalesce(l.country, 'Unspecified') AS country,
            sum(l.quantity * l.unit_price) AS revenue,
            count(*) AS line_count,
            count(DISTINCT l.invoice_no) AS invoice_count
        FROM silver.invoice_lines AS l
        GROUP BY 1, 2
            ) AS q
            WHERE q.day IS NULL OR q.country IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            (l.invoiced_at AT TIME ZONE 'UTC')::date AS day,
            coalesce(l.country, 'Unspecified') AS country,
            sum(l.quantity * l.unit_price) AS revenue,
            count(*) AS line_count,
            count(DISTINCT l.invoice_no) AS invoice_count
        FROM silver.invoice_lines AS l
        GROUP BY 1, 2;
        l_read := jsonb_build_object('silver.invoice_lines', (SELECT count(*) FROM silver.invoice_lines));
    END IF;
    RAISE NOTICE '%', 'gold.retail_daily_revenue' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.retail_daily_revenue');
    ANALYZE pg_temp.computed;

    IF l_full IS NULL THEN
        DELETE FROM gold.retail_daily_revenue AS g
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.day = g.day AND t.country = g.country)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.day = g.day AND c.country = g.country);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        DELETE FROM gold.retail_daily_revenue AS g
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.day = g.day AND c.country = g.country);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.retail_daily_revenue AS g
    SET revenue = c.revenue, line_count = c.line_count, invoice_count = c.invoice_count, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.day = c.day AND g.country = c.country AND ROW(g.revenue, g.line_count, g.invoice_count) IS DISTINCT FROM ROW(c.revenue, c.line_count, c.invoice_count);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.retail_daily_revenue (day, country, revenue, line_count, invoice_count, _batch_id)
    SELECT c.day, c.country, c.revenue, c.line_count, c.invoice_count, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.retail_daily_revenue AS g WHERE g.day = c.day AND g.country = c.country
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.retail_daily_revenue' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'aggregate',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.retail_daily_revenue although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_retail_daily_revenue(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.retail_daily_revenue';
    CALL dwh_etl.load_gold_retail_daily_revenue(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.retail_daily_revenue is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_retail_daily_revenue(
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
    l_key gold.retail_daily_revenue%ROWTYPE := jsonb_populate_record(NULL::gold.retail_daily_revenue, in_key);
    l_source_1 silver.invoice_lines%ROWTYPE := jsonb_populate_record(
        NULL::silver.invoice_lines, CASE WHEN in_source = 'silver.invoice_lines' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'silver.invoice_lines' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('day', q.day, 'country', q.country),
            'silver.invoice_lines',
            jsonb_build_object('_source_bronze_id', q._origin_0)
        FROM (
            SELECT
              CAST((
                l.invoiced_at AT TIME ZONE 'UTC'
              ) AS DATE) AS day,
              COALESCE(l.country, 'Unspecified') AS country,
              "l"."_source_bronze_id" AS _origin_0
            FROM silver.invoice_lines AS l
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.day = l_key.day AND q.country = l_key.country))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1._source_bronze_id));
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
    'gold.retail_daily_revenue',
    'gold',
    'aggregate',
    'retail',
    'What was sold on each day in each country.',
     E'{"columns": [{"name": "day"}, {"name": "country"}, {"name": "revenue"}, {"name": "line_count"}, {"name": "invoice_count"}], "description": "What was sold on each day in each country.", "grain": ["day", "country"], "kind": "aggregate", "layer": "gold", "name": "retail_daily_revenue", "origins": {"silver.invoice_lines": ["_source_bronze_id"]}, "query": "SELECT\\n    (l.invoiced_at AT TIME ZONE ''UTC'')::date AS day,\\n    coalesce(l.country, ''Unspecified'') AS country,\\n    sum(l.quantity * l.unit_price) AS revenue,\\n    count(*) AS line_count,\\n    count(DISTINCT l.invoice_no) AS invoice_count\\nFROM silver.invoice_lines AS l\\nGROUP BY 1, 2"}'::jsonb,
    'gold.retail_daily_revenue',
    'dwh_etl.load_gold_retail_daily_revenue',
    'dwh_etl.rebuild_gold_retail_daily_revenue',
    'dwh_etl.origins_gold_retail_daily_revenue'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.retail_daily_revenue' AND active;

SELECT dwh_lineage.register_input('gold.retail_daily_revenue', 'silver.invoice_lines');
SELECT dwh_etl.read_images('gold.retail_daily_revenue', '{"silver.invoice_lines": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.retail_daily_revenue' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('silver.invoice_lines', 'invoiced_at', 'gold.retail_daily_revenue', 'day', 'CAST((l.invoiced_at AT TIME ZONE ''UTC'') AS DATE)', 'DIRECT', true),
    ('silver.invoice_lines', 'country', 'gold.retail_daily_revenue', 'country', 'COALESCE(l.country, ''Unspecified'')', 'DIRECT', true),
    ('silver.invoice_lines', 'quantity', 'gold.retail_daily_revenue', 'revenue', 'SUM(l.quantity * l.unit_price)', 'DIRECT', false),
    ('silver.invoice_lines', 'unit_price', 'gold.retail_daily_revenue', 'revenue', 'SUM(l.quantity * l.unit_price)', 'DIRECT', false),
    ('silver.invoice_lines', 'invoice_no', 'gold.retail_daily_revenue', 'invoice_count', 'COUNT(DISTINCT l.invoice_no)', 'DIRECT', false);

SELECT dwh_etl.ensure_images('gold.retail_daily_revenue');
