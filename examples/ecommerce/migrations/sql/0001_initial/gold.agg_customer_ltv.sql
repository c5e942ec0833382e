CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    c.customer_id,
    count(DISTINCT f.order_id)::integer AS total_orders,
    sum(f.line_total)::numeric(12, 2) AS lifetime_value,
    (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value,
    min(d.full_date) AS first_order_date,
    max(d.full_date) AS last_order_date
FROM gold.fact_sales AS f
JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
JOIN gold.dim_date AS d ON d.date_key = f.date_key
WHERE c.customer_key > 0
GROUP BY c.customer_id
) AS q
WITH NO DATA;
CREATE TABLE gold.agg_customer_ltv (
    LIKE dwh_staging.shape,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.agg_customer_ltv
    ALTER COLUMN customer_id SET NOT NULL;
COMMENT ON TABLE gold.agg_customer_ltv IS 'What each customer has bought so far, whatever name and address it was under.';

-- Computes gold.agg_customer_ltv in full and writes what differs. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_agg_customer_ltv(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.agg_customer_ltv');
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.agg_customer_ltv', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    DROP TABLE IF EXISTS pg_temp.computed;
    CREATE TEMP TABLE computed ON COMMIT DROP AS
    SELECT
        c.customer_id,
        count(DISTINCT f.order_id)::integer AS total_orders,
        sum(f.line_total)::numeric(12, 2) AS lifetime_value,
        (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value,
        min(d.full_date) AS first_order_date,
        max(d.full_date) AS last_order_date
    FROM gold.fact_sales AS f
    JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
    JOIN gold.dim_date AS d ON d.date_key = f.date_key
    WHERE c.customer_key > 0
    GROUP BY c.customer_id;
    GET DIAGNOSTICS l_computed = ROW_COUNT;
    CALL dwh_etl.align_types('gold.agg_customer_ltv');
    ANALYZE pg_temp.computed;

    DELETE FROM gold.agg_customer_ltv AS g
    WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.customer_id = g.customer_id);
    GET DIAGNOSTICS l_deleted = ROW_COUNT;

    UPDATE gold.agg_customer_ltv AS g
    SET total_orders = c.total_orders, lifetime_value = c.lifetime_value, avg_order_value = c.avg_order_value, first_order_date = c.first_order_date, last_order_date = c.last_order_date, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.customer_id = c.customer_id AND ROW(g.total_orders, g.lifetime_value, g.avg_order_value, g.first_order_date, g.last_order_date) IS DISTINCT FROM ROW(c.total_orders, c.lifetime_value, c.avg_order_value, c.first_order_date, c.last_order_date);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.agg_customer_ltv (customer_id, total_orders, lifetime_value, avg_order_value, first_order_date, last_order_date, _batch_id)
    SELECT c.customer_id, c.total_orders, c.lifetime_value, c.avg_order_value, c.first_order_date, c.last_order_date, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.agg_customer_ltv AS g WHERE g.customer_id = c.customer_id
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.agg_customer_ltv' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'aggregate',
        jsonb_build_object('gold.fact_sales', (SELECT count(*) FROM gold.fact_sales), 'gold.dim_customer', (SELECT count(*) FROM gold.dim_customer), 'gold.dim_date', (SELECT count(*) FROM gold.dim_date)),
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated
    );
END
$routine$;

-- Computes gold.agg_customer_ltv although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_agg_customer_ltv(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.agg_customer_ltv';
    CALL dwh_etl.load_gold_agg_customer_ltv(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.agg_customer_ltv is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_agg_customer_ltv(
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
    l_key gold.agg_customer_ltv%ROWTYPE := jsonb_populate_record(NULL::gold.agg_customer_ltv, in_key);
    l_source_1 gold.fact_sales%ROWTYPE := jsonb_populate_record(
        NULL::gold.fact_sales, CASE WHEN in_source = 'gold.fact_sales' THEN in_source_key END
    );
    l_source_2 gold.dim_customer%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_customer, CASE WHEN in_source = 'gold.dim_customer' THEN in_source_key END
    );
    l_source_3 gold.dim_date%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_date, CASE WHEN in_source = 'gold.dim_date' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'gold.fact_sales' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_id', q.customer_id),
            'gold.fact_sales',
            jsonb_build_object('sales_key', q._origin_0)
        FROM (
            SELECT
              c.customer_id,
              "f"."sales_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_customer AS c
              ON c.customer_key = f.customer_key
            JOIN gold.dim_date AS d
              ON d.date_key = f.date_key
            WHERE
              c.customer_key > 0
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_id = l_key.customer_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.sales_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_customer' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_id', q.customer_id),
            'gold.dim_customer',
            jsonb_build_object('customer_key', q._origin_0)
        FROM (
            SELECT
              c.customer_id,
              "c"."customer_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_customer AS c
              ON c.customer_key = f.customer_key
            JOIN gold.dim_date AS d
              ON d.date_key = f.date_key
            WHERE
              c.customer_key > 0
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_id = l_key.customer_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.customer_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_date' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_id', q.customer_id),
            'gold.dim_date',
            jsonb_build_object('date_key', q._origin_0)
        FROM (
            SELECT
              c.customer_id,
              "d"."date_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_customer AS c
              ON c.customer_key = f.customer_key
            JOIN gold.dim_date AS d
              ON d.date_key = f.date_key
            WHERE
              c.customer_key > 0
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_id = l_key.customer_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_3.date_key));
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
    'gold.agg_customer_ltv',
    'gold',
    'aggregate',
    'ecommerce',
    'What each customer has bought so far, whatever name and address it was under.',
     E'{"columns": [{"name": "customer_id"}, {"name": "total_orders"}, {"name": "lifetime_value"}, {"name": "avg_order_value"}, {"name": "first_order_date"}, {"name": "last_order_date"}], "description": "What each customer has bought so far, whatever name and address it was under.", "grain": ["customer_id"], "kind": "aggregate", "layer": "gold", "name": "agg_customer_ltv", "origins": {"gold.dim_customer": ["customer_key"], "gold.dim_date": ["date_key"], "gold.fact_sales": ["sales_key"]}, "query": "SELECT\\n    c.customer_id,\\n    count(DISTINCT f.order_id)::integer AS total_orders,\\n    sum(f.line_total)::numeric(12, 2) AS lifetime_value,\\n    (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value,\\n    min(d.full_date) AS first_order_date,\\n    max(d.full_date) AS last_order_date\\nFROM gold.fact_sales AS f\\nJOIN gold.dim_customer AS c ON c.customer_key = f.customer_key\\nJOIN gold.dim_date AS d ON d.date_key = f.date_key\\nWHERE c.customer_key > 0\\nGROUP BY c.customer_id"}'::jsonb,
    'gold.agg_customer_ltv',
    'dwh_etl.load_gold_agg_customer_ltv',
    'dwh_etl.rebuild_gold_agg_customer_ltv',
    'dwh_etl.origins_gold_agg_customer_ltv'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.agg_customer_ltv' AND active;

SELECT dwh_lineage.register_input('gold.agg_customer_ltv', 'gold.fact_sales');
SELECT dwh_lineage.register_input('gold.agg_customer_ltv', 'gold.dim_customer');
SELECT dwh_lineage.register_input('gold.agg_customer_ltv', 'gold.dim_date');

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.agg_customer_ltv' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('gold.dim_customer', 'customer_id', 'gold.agg_customer_ltv', 'customer_id', 'c.customer_id', 'DIRECT', true),
    ('gold.fact_sales', 'order_id', 'gold.agg_customer_ltv', 'total_orders', 'CAST(COUNT(DISTINCT f.order_id) AS INT)', 'DIRECT', false),
    ('gold.fact_sales', 'line_total', 'gold.agg_customer_ltv', 'lifetime_value', 'CAST(SUM(f.line_total) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'line_total', 'gold.agg_customer_ltv', 'avg_order_value', 'CAST((SUM(f.line_total) / COUNT(DISTINCT f.order_id)) AS DECIMAL(10, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'order_id', 'gold.agg_customer_ltv', 'avg_order_value', 'CAST((SUM(f.line_total) / COUNT(DISTINCT f.order_id)) AS DECIMAL(10, 2))', 'DIRECT', false),
    ('gold.dim_date', 'full_date', 'gold.agg_customer_ltv', 'first_order_date', 'MIN(d.full_date)', 'DIRECT', false),
    ('gold.dim_date', 'full_date', 'gold.agg_customer_ltv', 'last_order_date', 'MAX(d.full_date)', 'DIRECT', false);

