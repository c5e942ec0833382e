CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    p.product_id,
    count(DISTINCT f.order_id)::integer AS order_count,
    sum(f.quantity)::integer AS units_sold,
    sum(f.line_total)::numeric(12, 2) AS net_revenue,
    (sum(f.line_total) / sum(f.quantity))::numeric(10, 2) AS avg_unit_revenue,
    min(s.on_hand) AS on_hand
FROM gold.fact_sales AS f
JOIN gold.dim_product AS p ON p.product_key = f.product_key
LEFT JOIN silver.stock AS s ON s.product_id = p.product_id AND s.is_current
WHERE p.product_key > 0
GROUP BY p.product_id
) AS q
WITH NO DATA;
CREATE TABLE gold.agg_product_performance (
    LIKE dwh_staging.shape,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_id)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.agg_product_performance
    ALTER COLUMN product_id SET NOT NULL;
COMMENT ON TABLE gold.agg_product_performance IS 'How each product sells, and what is left of it.';


-- Computes gold.agg_product_performance for the keys that changes of its inputs touch, or in full where these
-- are many and writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_agg_product_performance(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.agg_product_performance');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
    l_delta_2 bigint;
    l_delta_3 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.agg_product_performance', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.agg_product_performance', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT line_total, order_id, product_key, quantity, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_fact_sales
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY line_total, order_id, product_key, quantity
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('gold.fact_sales', coalesce((l_read ->> 'gold.fact_sales')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.fact_sales', l_delta_1, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_2;
        CREATE TEMP TABLE delta_2 ON COMMIT DROP AS
        SELECT product_id, product_key, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_product
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY product_id, product_key
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_2 = ROW_COUNT;
        ANALYZE pg_temp.delta_2;
        l_read := l_read || jsonb_build_object('gold.dim_product', coalesce((l_read ->> 'gold.dim_product')::bigint, 0) + l_delta_2);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_product', l_delta_2, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_3;
        CREATE TEMP TABLE delta_3 ON COMMIT DROP AS
        SELECT is_current, on_hand, product_id, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_stock
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY is_current, on_hand, product_id
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_3 = ROW_COUNT;
        ANALYZE pg_temp.delta_3;
        l_read := l_read || jsonb_build_object('silver.stock', coalesce((l_read ->> 'silver.stock')::bigint, 0) + l_delta_3);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.stock', l_delta_3, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.product_id FROM gold.agg_product_performance AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (product_id)
            SELECT "p"."product_id" AS product_id FROM pg_temp.delta_1 AS f, (SELECT product_id, product_key FROM gold.dim_product UNION ALL SELECT product_id, product_key FROM pg_temp.delta_2 WHERE _change < 0) AS p WHERE ("p"."product_key" = "f"."product_key") AND ("p"."product_key" > 0);
        END IF;
        IF l_delta_2 > 0 THEN
            INSERT INTO pg_temp.candidates (product_id)
            SELECT "p"."product_id" AS product_id FROM (SELECT product_key FROM gold.fact_sales UNION ALL SELECT product_key FROM pg_temp.delta_1 WHERE _change < 0) AS f, pg_temp.delta_2 AS p WHERE ("p"."product_key" = "f"."product_key") AND ("p"."product_key" > 0);
        END IF;
        IF l_delta_3 > 0 THEN
            INSERT INTO pg_temp.candidates (product_id)
            SELECT "p"."product_id" AS product_id FROM (SELECT product_key FROM gold.fact_sales UNION ALL SELECT product_key FROM pg_temp.delta_1 WHERE _change < 0) AS f, (SELECT product_id, product_key FROM gold.dim_product UNION ALL SELECT product_id, product_key FROM pg_temp.delta_2 WHERE _change < 0) AS p, pg_temp.delta_3 AS s WHERE ("p"."product_key" = "f"."product_key") AND ("s"."product_id" = "p"."product_id") AND ("s"."is_current") AND ("p"."product_key" > 0);
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.product_id IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.product_id FROM pg_temp.candidates AS c WHERE c.product_id IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.agg_product_performance', l_keys, 'keys'),
            dwh_etl.why_costly('gold.agg_product_performance', l_keys,  E'[["gold.dim_product", "gold.dim_product AS p WHERE (\\"p\\".\\"product_id\\") IN (SELECT product_id FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.product_id,
            q.order_count,
            q.units_sold,
            q.net_revenue,
            q.avg_unit_revenue,
            q.on_hand
        FROM (
        SELECT
            p.product_id,
            count(DISTINCT f.order_id)::integer AS order_count,
            sum(f.quantity)::integer AS units_sold,
            sum(f.line_total)::numeric(12, 2) AS net_revenue,
            (sum(f.line_total) / sum(f.quantity))::numeric(10, 2) AS avg_unit_revenue,
            min(s.on_hand) AS on_hand
        FROM gold.fact_sales AS f
        JOIN (SELECT * FROM gold.dim_product AS p WHERE ("p"."product_id") IN (SELECT product_id FROM pg_temp.touched)) AS p ON p.product_key = f.product_key
        LEFT JOIN silver.stock AS s ON s.product_id = p.product_id AND s.is_current
        WHERE p.product_key > 0
        GROUP BY p.product_id
        ) AS q
        WHERE (q.product_id) IN (SELECT t.product_id FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.product_id,
                q.order_count,
                q.units_sold,
                q.net_revenue,
                q.avg_unit_revenue,
                q.on_hand
            FROM (
        SELECT
            p.product_id,
            count(DISTINCT f.order_id)::integer AS order_count,
            sum(f.quantity)::integer AS units_sold,
            sum(f.line_total)::numeric(12, 2) AS net_revenue,
            (sum(f.line_total) / sum(f.quantity))::numeric(10, 2) AS avg_unit_revenue,
            min(s.on_hand) AS on_hand
        FROM gold.fact_sales AS f
        JOIN gold.dim_product AS p ON p.product_key = f.product_key
        LEFT JOIN silver.stock AS s ON s.product_id = p.product_id AND s.is_current
        WHERE p.product_key > 0
        GROUP BY p.product_id
            ) AS q
            WHERE q.product_id IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            p.product_id,
            count(DISTINCT f.order_id)::integer AS order_count,
            sum(f.quantity)::integer AS units_sold,
            sum(f.line_total)::numeric(12, 2) AS net_revenue,
            (sum(f.line_total) / sum(f.quantity))::numeric(10, 2) AS avg_unit_revenue,
            min(s.on_hand) AS on_hand
        FROM gold.fact_sales AS f
        JOIN gold.dim_product AS p ON p.product_key = f.product_key
        LEFT JOIN silver.stock AS s ON s.product_id = p.product_id AND s.is_current
        WHERE p.product_key > 0
        GROUP BY p.product_id;
        l_read := jsonb_build_object('gold.fact_sales', (SELECT count(*) FROM gold.fact_sales), 'gold.dim_product', (SELECT count(*) FROM gold.dim_product), 'silver.stock', (SELECT count(*) FROM silver.stock));
    END IF;
    RAISE NOTICE '%', 'gold.agg_product_performance' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.agg_product_performance');
    ANALYZE pg_temp.computed;

    IF l_full IS NULL THEN
        DELETE FROM gold.agg_product_performance AS g
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.product_id = g.product_id)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.product_id = g.product_id);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        DELETE FROM gold.agg_product_performance AS g
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.product_id = g.product_id);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.agg_product_performance AS g
    SET order_count = c.order_count, units_sold = c.units_sold, net_revenue = c.net_revenue, avg_unit_revenue = c.avg_unit_revenue, on_hand = c.on_hand, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.product_id = c.product_id AND ROW(g.order_count, g.units_sold, g.net_revenue, g.avg_unit_revenue, g.on_hand) IS DISTINCT FROM ROW(c.order_count, c.units_sold, c.net_revenue, c.avg_unit_revenue, c.on_hand);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.agg_product_performance (product_id, order_count, units_sold, net_revenue, avg_unit_revenue, on_hand, _batch_id)
    SELECT c.product_id, c.order_count, c.units_sold, c.net_revenue, c.avg_unit_revenue, c.on_hand, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.agg_product_performance AS g WHERE g.product_id = c.product_id
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.agg_product_performance' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'aggregate',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.agg_product_performance although nothing waits for it. Takes the run's id. Locks the table's row
-- in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_agg_product_performance(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.agg_product_performance';
    CALL dwh_etl.load_gold_agg_product_performance(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.agg_product_performance is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_agg_product_performance(
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
    l_key gold.agg_product_performance%ROWTYPE := jsonb_populate_record(NULL::gold.agg_product_performance, in_key);
    l_source_1 gold.fact_sales%ROWTYPE := jsonb_populate_record(
        NULL::gold.fact_sales, CASE WHEN in_source = 'gold.fact_sales' THEN in_source_key END
    );
    l_source_2 gold.dim_product%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_product, CASE WHEN in_source = 'gold.dim_product' THEN in_source_key END
    );
    l_source_3 silver.stock%ROWTYPE := jsonb_populate_record(
        NULL::silver.stock, CASE WHEN in_source = 'silver.stock' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'gold.fact_sales' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('product_id', q.product_id),
            'gold.fact_sales',
            jsonb_build_object('sales_key', q._origin_0)
        FROM (
            SELECT
              p.product_id,
              "f"."sales_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_product AS p
              ON p.product_key = f.product_key
            LEFT JOIN silver.stock AS s
              ON s.product_id = p.product_id AND s.is_current
            WHERE
              p.product_key > 0
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.product_id = l_key.product_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.sales_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_product' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('product_id', q.product_id),
            'gold.dim_product',
            jsonb_build_object('product_key', q._origin_0)
        FROM (
            SELECT
              p.product_id,
              "p"."product_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_product AS p
              ON p.product_key = f.product_key
            LEFT JOIN silver.stock AS s
              ON s.product_id = p.product_id AND s.is_current
            WHERE
              p.product_key > 0
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.product_id = l_key.product_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.product_key));
    END IF;
    IF in_source IS NULL OR in_source = 'silver.stock' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('product_id', q.product_id),
            'silver.stock',
            jsonb_build_object('product_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              p.product_id,
              "s"."product_id" AS _origin_0,
              "s"."valid_from" AS _origin_1
            FROM gold.fact_sales AS f
            JOIN gold.dim_product AS p
              ON p.product_key = f.product_key
            LEFT JOIN silver.stock AS s
              ON s.product_id = p.product_id AND s.is_current
            WHERE
              p.product_key > 0
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.product_id = l_key.product_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_3.product_id AND q._origin_1 = l_source_3.valid_from));
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
    'gold.agg_product_performance',
    'gold',
    'aggregate',
    'ecommerce',
    'How each product sells, and what is left of it.',
     E'{"columns": [{"name": "product_id"}, {"name": "order_count"}, {"name": "units_sold"}, {"name": "net_revenue"}, {"name": "avg_unit_revenue"}, {"name": "on_hand"}], "description": "How each product sells, and what is left of it.", "grain": ["product_id"], "kind": "aggregate", "layer": "gold", "name": "agg_product_performance", "origins": {"gold.dim_product": ["product_key"], "gold.fact_sales": ["sales_key"], "silver.stock": ["product_id", "valid_from"]}, "query": "SELECT\\n    p.product_id,\\n    count(DISTINCT f.order_id)::integer AS order_count,\\n    sum(f.quantity)::integer AS units_sold,\\n    sum(f.line_total)::numeric(12, 2) AS net_revenue,\\n    (sum(f.line_total) / sum(f.quantity))::numeric(10, 2) AS avg_unit_revenue,\\n    min(s.on_hand) AS on_hand\\nFROM gold.fact_sales AS f\\nJOIN gold.dim_product AS p ON p.product_key = f.product_key\\nLEFT JOIN silver.stock AS s ON s.product_id = p.product_id AND s.is_current\\nWHERE p.product_key > 0\\nGROUP BY p.product_id"}'::jsonb,
    'gold.agg_product_performance',
    'dwh_etl.load_gold_agg_product_performance',
    'dwh_etl.rebuild_gold_agg_product_performance',
    'dwh_etl.origins_gold_agg_product_performance'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.agg_product_performance' AND active;

SELECT dwh_lineage.register_input('gold.agg_product_performance', 'gold.fact_sales');
SELECT dwh_lineage.register_input('gold.agg_product_performance', 'gold.dim_product');
SELECT dwh_lineage.register_input('gold.agg_product_performance', 'silver.stock');
SELECT dwh_etl.read_images('gold.agg_product_performance', '{"gold.dim_product": "whole", "gold.fact_sales": "whole", "silver.stock": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.agg_product_performance' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('gold.dim_product', 'product_id', 'gold.agg_product_performance', 'product_id', 'p.product_id', 'DIRECT', true),
    ('gold.fact_sales', 'order_id', 'gold.agg_product_performance', 'order_count', 'CAST(COUNT(DISTINCT f.order_id) AS INT)', 'DIRECT', false),
    ('gold.fact_sales', 'quantity', 'gold.agg_product_performance', 'units_sold', 'CAST(SUM(f.quantity) AS INT)', 'DIRECT', false),
    ('gold.fact_sales', 'line_total', 'gold.agg_product_performance', 'net_revenue', 'CAST(SUM(f.line_total) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'line_total', 'gold.agg_product_performance', 'avg_unit_revenue', 'CAST((SUM(f.line_total) / SUM(f.quantity)) AS DECIMAL(10, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'quantity', 'gold.agg_product_performance', 'avg_unit_revenue', 'CAST((SUM(f.line_total) / SUM(f.quantity)) AS DECIMAL(10, 2))', 'DIRECT', false),
    ('silver.stock', 'on_hand', 'gold.agg_product_performance', 'on_hand', 'MIN(s.on_hand)', 'DIRECT', false);

SELECT dwh_etl.ensure_images('gold.agg_product_performance');
