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


-- Computes gold.agg_customer_ltv for the keys that changes of its inputs touch, or in full where these are many
-- and writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
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
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
    l_delta_2 bigint;
    l_delta_3 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.agg_customer_ltv', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.agg_customer_ltv', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT customer_key, date_key, line_total, order_id, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_fact_sales
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY customer_key, date_key, line_total, order_id
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('gold.fact_sales', coalesce((l_read ->> 'gold.fact_sales')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.fact_sales', l_delta_1, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_2;
        CREATE TEMP TABLE delta_2 ON COMMIT DROP AS
        SELECT customer_id, customer_key, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_customer
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY customer_id, customer_key
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_2 = ROW_COUNT;
        ANALYZE pg_temp.delta_2;
        l_read := l_read || jsonb_build_object('gold.dim_customer', coalesce((l_read ->> 'gold.dim_customer')::bigint, 0) + l_delta_2);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_customer', l_delta_2, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_3;
        CREATE TEMP TABLE delta_3 ON COMMIT DROP AS
        SELECT date_key, full_date, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_date
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY date_key, full_date
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_3 = ROW_COUNT;
        ANALYZE pg_temp.delta_3;
        l_read := l_read || jsonb_build_object('gold.dim_date', coalesce((l_read ->> 'gold.dim_date')::bigint, 0) + l_delta_3);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_date', l_delta_3, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.customer_id FROM gold.agg_customer_ltv AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (customer_id)
            SELECT "c"."customer_id" AS customer_id FROM pg_temp.delta_1 AS f, (SELECT customer_id, customer_key FROM gold.dim_customer UNION ALL SELECT customer_id, customer_key FROM pg_temp.delta_2 WHERE _change < 0) AS c, (SELECT date_key FROM gold.dim_date UNION ALL SELECT date_key FROM pg_temp.delta_3 WHERE _change < 0) AS d WHERE ("c"."customer_key" = "f"."customer_key") AND ("d"."date_key" = "f"."date_key") AND ("c"."customer_key" > 0);
        END IF;
        IF l_delta_2 > 0 THEN
            INSERT INTO pg_temp.candidates (customer_id)
            SELECT "c"."customer_id" AS customer_id FROM (SELECT customer_key, date_key FROM gold.fact_sales UNION ALL SELECT customer_key, date_key FROM pg_temp.delta_1 WHERE _change < 0) AS f, pg_temp.delta_2 AS c, (SELECT date_key FROM gold.dim_date UNION ALL SELECT date_key FROM pg_temp.delta_3 WHERE _change < 0) AS d WHERE ("c"."customer_key" = "f"."customer_key") AND ("d"."date_key" = "f"."date_key") AND ("c"."customer_key" > 0);
        END IF;
        IF l_delta_3 > 0 THEN
            INSERT INTO pg_temp.candidates (customer_id)
            SELECT "c"."customer_id" AS customer_id FROM (SELECT customer_key, date_key FROM gold.fact_sales UNION ALL SELECT customer_key, date_key FROM pg_temp.delta_1 WHERE _change < 0) AS f, (SELECT customer_id, customer_key FROM gold.dim_customer UNION ALL SELECT customer_id, customer_key FROM pg_temp.delta_2 WHERE _change < 0) AS c, pg_temp.delta_3 AS d WHERE ("c"."customer_key" = "f"."customer_key") AND ("d"."date_key" = "f"."date_key") AND ("c"."customer_key" > 0);
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.customer_id IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.customer_id FROM pg_temp.candidates AS c WHERE c.customer_id IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.agg_customer_ltv', l_keys, 'keys'),
            dwh_etl.why_costly('gold.agg_customer_ltv', l_keys,  E'[["gold.dim_customer", "gold.dim_customer AS c WHERE (\\"c\\".\\"customer_id\\") IN (SELECT customer_id FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.customer_id,
            q.total_orders,
            q.lifetime_value,
            q.avg_order_value,
            q.first_order_date,
            q.last_order_date
        FROM (
        SELECT
            c.customer_id,
            count(DISTINCT f.order_id)::integer AS total_orders,
            sum(f.line_total)::numeric(12, 2) AS lifetime_value,
            (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value,
            min(d.full_date) AS first_order_date,
            max(d.full_date) AS last_order_date
        FROM gold.fact_sales AS f
        JOIN (SELECT * FROM gold.dim_customer AS c WHERE ("c"."customer_id") IN (SELECT customer_id FROM pg_temp.touched)) AS c ON c.customer_key = f.customer_key
        JOIN gold.dim_date AS d ON d.date_key = f.date_key
        WHERE c.customer_key > 0
        GROUP BY c.customer_id
        ) AS q
        WHERE (q.customer_id) IN (SELECT t.customer_id FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.customer_id,
                q.total_orders,
                q.lifetime_value,
                q.avg_order_value,
                q.first_order_date,
                q.last_order_date
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
            WHERE q.customer_id IS NULL;
        END IF;
    ELSE
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
        l_read := jsonb_build_object('gold.fact_sales', (SELECT count(*) FROM gold.fact_sales), 'gold.dim_customer', (SELECT count(*) FROM gold.dim_customer), 'gold.dim_date', (SELECT count(*) FROM gold.dim_date));
    END IF;
    RAISE NOTICE '%', 'gold.agg_customer_ltv' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.agg_customer_ltv');
    ANALYZE pg_temp.computed;

    IF l_full IS NULL THEN
        DELETE FROM gold.agg_customer_ltv AS g
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.customer_id = g.customer_id)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.customer_id = g.customer_id);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        DELETE FROM gold.agg_customer_ltv AS g
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.customer_id = g.customer_id);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

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
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
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
SELECT dwh_etl.read_images('gold.agg_customer_ltv', '{"gold.dim_customer": "whole", "gold.dim_date": "whole", "gold.fact_sales": "whole"}'::jsonb);

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

SELECT dwh_etl.ensure_images('gold.agg_customer_ltv');
