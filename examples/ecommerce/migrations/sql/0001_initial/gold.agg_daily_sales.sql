CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    f.date_key,
    coalesce(c.customer_segment, 'Unknown') AS customer_segment,
    coalesce(p.product_category, 'Unknown') AS product_category,
    count(DISTINCT f.order_id)::integer AS order_count,
    sum(f.quantity)::integer AS item_count,
    sum(f.quantity * f.unit_price)::numeric(12, 2) AS gross_revenue,
    sum(f.discount_amount)::numeric(12, 2) AS discount_total,
    sum(f.tax_amount)::numeric(12, 2) AS tax_total,
    sum(f.line_total)::numeric(12, 2) AS net_revenue,
    -- Of orders, not of lines.
    (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value
FROM gold.fact_sales AS f
JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
JOIN gold.dim_product AS p ON p.product_key = f.product_key
GROUP BY 1, 2, 3
) AS q
WITH NO DATA;
CREATE TABLE gold.agg_daily_sales (
    LIKE dwh_staging.shape,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (date_key, customer_segment, product_category)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.agg_daily_sales
    ALTER COLUMN date_key SET NOT NULL,
    ALTER COLUMN customer_segment SET NOT NULL,
    ALTER COLUMN product_category SET NOT NULL,
    ALTER COLUMN order_count SET NOT NULL,
    ALTER COLUMN item_count SET NOT NULL,
    ALTER COLUMN gross_revenue SET NOT NULL,
    ALTER COLUMN discount_total SET NOT NULL,
    ALTER COLUMN tax_total SET NOT NULL,
    ALTER COLUMN net_revenue SET NOT NULL,
    ALTER COLUMN avg_order_value SET NOT NULL;
COMMENT ON TABLE gold.agg_daily_sales IS 'What was sold on each day, by customers'' segments and products'' categories.';


-- Computes gold.agg_daily_sales for the keys that changes of its inputs touch, or in full where these are many
-- and writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_agg_daily_sales(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.agg_daily_sales');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
    l_delta_2 bigint;
    l_delta_3 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.agg_daily_sales', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.agg_daily_sales', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT customer_key, date_key, discount_amount, line_total, order_id, product_key, quantity, tax_amount, unit_price, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_fact_sales
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY customer_key, date_key, discount_amount, line_total, order_id, product_key, quantity, tax_amount, unit_price
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('gold.fact_sales', coalesce((l_read ->> 'gold.fact_sales')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.fact_sales', l_delta_1, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_2;
        CREATE TEMP TABLE delta_2 ON COMMIT DROP AS
        SELECT customer_key, customer_segment, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_customer
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY customer_key, customer_segment
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_2 = ROW_COUNT;
        ANALYZE pg_temp.delta_2;
        l_read := l_read || jsonb_build_object('gold.dim_customer', coalesce((l_read ->> 'gold.dim_customer')::bigint, 0) + l_delta_2);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_customer', l_delta_2, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_3;
        CREATE TEMP TABLE delta_3 ON COMMIT DROP AS
        SELECT product_category, product_key, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_product
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY product_category, product_key
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_3 = ROW_COUNT;
        ANALYZE pg_temp.delta_3;
        l_read := l_read || jsonb_build_object('gold.dim_product', coalesce((l_read ->> 'gold.dim_product')::bigint, 0) + l_delta_3);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_product', l_delta_3, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.date_key, g.customer_segment, g.product_category FROM gold.agg_daily_sales AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (date_key, customer_segment, product_category)
            SELECT "f"."date_key" AS date_key, COALESCE("c"."customer_segment", 'Unknown') AS customer_segment, COALESCE("p"."product_category", 'Unknown') AS product_category FROM pg_temp.delta_1 AS f, (SELECT customer_key, customer_segment FROM gold.dim_customer UNION ALL SELECT customer_key, customer_segment FROM pg_temp.delta_2 WHERE _change < 0) AS c, (SELECT product_category, product_key FROM gold.dim_product UNION ALL SELECT product_category, product_key FROM pg_temp.delta_3 WHERE _change < 0) AS p WHERE ("c"."customer_key" = "f"."customer_key") AND ("p"."product_key" = "f"."product_key");
        END IF;
        IF l_delta_2 > 0 THEN
            INSERT INTO pg_temp.candidates (date_key, customer_segment, product_category)
            SELECT "f"."date_key" AS date_key, COALESCE("c"."customer_segment", 'Unknown') AS customer_segment, COALESCE("p"."product_category", 'Unknown') AS product_category FROM (SELECT customer_key, date_key, product_key FROM gold.fact_sales UNION ALL SELECT customer_key, date_key, product_key FROM pg_temp.delta_1 WHERE _change < 0) AS f, pg_temp.delta_2 AS c, (SELECT product_category, product_key FROM gold.dim_product UNION ALL SELECT product_category, product_key FROM pg_temp.delta_3 WHERE _change < 0) AS p WHERE ("c"."customer_key" = "f"."customer_key") AND ("p"."product_key" = "f"."product_key");
        END IF;
        IF l_delta_3 > 0 THEN
            INSERT INTO pg_temp.candidates (date_key, customer_segment, product_category)
            SELECT "f"."date_key" AS date_key, COALESCE("c"."customer_segment", 'Unknown') AS customer_segment, COALESCE("p"."product_category", 'Unknown') AS product_category FROM (SELECT customer_key, date_key, product_key FROM gold.fact_sales UNION ALL SELECT customer_key, date_key, product_key FROM pg_temp.delta_1 WHERE _change < 0) AS f, (SELECT customer_key, customer_segment FROM gold.dim_customer UNION ALL SELECT customer_key, customer_segment FROM pg_temp.delta_2 WHERE _change < 0) AS c, pg_temp.delta_3 AS p WHERE ("c"."customer_key" = "f"."customer_key") AND ("p"."product_key" = "f"."product_key");
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE coalesce(c.date_key, -1) = -1 OR c.customer_segment IS NULL OR c.product_category IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT coalesce(c.date_key, -1) AS date_key, c.customer_segment, c.product_category FROM pg_temp.candidates AS c WHERE c.customer_segment IS NOT NULL AND c.product_category IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.agg_daily_sales', l_keys, 'keys'),
            dwh_etl.why_costly('gold.agg_daily_sales', l_keys,  E'[["gold.fact_sales", "gold.fact_sales AS f WHERE (\\"f\\".\\"date_key\\") IN (SELECT date_key FROM pg_temp.touched)"], ["gold.dim_customer", "gold.dim_customer AS c WHERE (COALESCE(\\"c\\".\\"customer_segment\\", ''Unknown'')) IN (SELECT customer_segment FROM pg_temp.touched)"], ["gold.dim_product", "gold.dim_product AS p WHERE (COALESCE(\\"p\\".\\"product_category\\", ''Unknown'')) IN (SELECT product_category FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            coalesce(q.date_key, -1) AS date_key,
            q.customer_segment,
            q.product_category,
            q.order_count,
            q.item_count,
            q.gross_revenue,
            q.discount_total,
            q.tax_total,
            q.net_revenue,
            q.avg_order_value
        FROM (
        SELECT
            f.date_key,
            coalesce(c.customer_segment, 'Unknown') AS customer_segment,
            coalesce(p.product_category, 'Unknown') AS product_category,
            count(DISTINCT f.order_id)::integer AS order_count,
            sum(f.quantity)::integer AS item_count,
            sum(f.quantity * f.unit_price)::numeric(12, 2) AS gross_revenue,
            sum(f.discount_amount)::numeric(12, 2) AS discount_total,
            sum(f.tax_amount)::numeric(12, 2) AS tax_total,
            sum(f.line_total)::numeric(12, 2) AS net_revenue,
            -- Of orders, not of lines.
            (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value
        FROM (SELECT * FROM gold.fact_sales AS f WHERE ("f"."date_key") IN (SELECT date_key FROM pg_temp.touched)) AS f
        JOIN (SELECT * FROM gold.dim_customer AS c WHERE (COALESCE("c"."customer_segment", 'Unknown')) IN (SELECT customer_segment FROM pg_temp.touched)) AS c ON c.customer_key = f.customer_key
        JOIN (SELECT * FROM gold.dim_product AS p WHERE (COALESCE("p"."product_category", 'Unknown')) IN (SELECT product_category FROM pg_temp.touched)) AS p ON p.product_key = f.product_key
        GROUP BY 1, 2, 3
        ) AS q
        WHERE (q.date_key, q.customer_segment, q.product_category) IN (SELECT t.date_key, t.customer_segment, t.product_category FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                coalesce(q.date_key, -1) AS date_key,
                q.customer_segment,
                q.product_category,
                q.order_count,
                q.item_count,
                q.gross_revenue,
                q.discount_total,
                q.tax_total,
                q.net_revenue,
                q.avg_order_value
            FROM (
        SELECT
            f.date_key,
            coalesce(c.customer_segment, 'Unknown') AS customer_segment,
            coalesce(p.product_category, 'Unknown') AS product_category,
            count(DISTINCT f.order_id)::integer AS order_count,
            sum(f.quantity)::integer AS item_count,
            sum(f.quantity * f.unit_price)::numeric(12, 2) AS gross_revenue,
            sum(f.discount_amount)::numeric(12, 2) AS discount_total,
            sum(f.tax_amount)::numeric(12, 2) AS tax_total,
            sum(f.line_total)::numeric(12, 2) AS net_revenue,
            -- Of orders, not of lines.
            (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value
        FROM gold.fact_sales AS f
        JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
        JOIN gold.dim_product AS p ON p.product_key = f.product_key
        GROUP BY 1, 2, 3
            ) AS q
            WHERE q.date_key IS NULL OR q.customer_segment IS NULL OR q.product_category IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            coalesce(q.date_key, -1) AS date_key,
            q.customer_segment,
            q.product_category,
            q.order_count,
            q.item_count,
            q.gross_revenue,
            q.discount_total,
            q.tax_total,
            q.net_revenue,
            q.avg_order_value
        FROM (
        SELECT
            f.date_key,
            coalesce(c.customer_segment, 'Unknown') AS customer_segment,
            coalesce(p.product_category, 'Unknown') AS product_category,
            count(DISTINCT f.order_id)::integer AS order_count,
            sum(f.quantity)::integer AS item_count,
            sum(f.quantity * f.unit_price)::numeric(12, 2) AS gross_revenue,
            sum(f.discount_amount)::numeric(12, 2) AS discount_total,
            sum(f.tax_amount)::numeric(12, 2) AS tax_total,
            sum(f.line_total)::numeric(12, 2) AS net_revenue,
            -- Of orders, not of lines.
            (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value
        FROM gold.fact_sales AS f
        JOIN gold.dim_customer AS c ON c.customer_key = f.customer_key
        JOIN gold.dim_product AS p ON p.product_key = f.product_key
        GROUP BY 1, 2, 3
        ) AS q;
        l_read := jsonb_build_object('gold.fact_sales', (SELECT count(*) FROM gold.fact_sales), 'gold.dim_customer', (SELECT count(*) FROM gold.dim_customer), 'gold.dim_product', (SELECT count(*) FROM gold.dim_product));
    END IF;
    RAISE NOTICE '%', 'gold.agg_daily_sales' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.agg_daily_sales');
    ANALYZE pg_temp.computed;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.measured;
        CREATE TEMP TABLE measured ON COMMIT DROP AS
        SELECT * FROM (
        SELECT 'reconciles_revenue', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, jsonb_build_object('own', x.own, 'other', x.other)
            FROM (SELECT (SELECT sum(net_revenue) FROM (SELECT c.* FROM pg_temp.computed AS c
            UNION ALL
            SELECT g.date_key, g.customer_segment, g.product_category, g.order_count, g.item_count, g.gross_revenue, g.discount_total, g.tax_total, g.net_revenue, g.avg_order_value FROM gold.agg_daily_sales AS g WHERE NOT EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.date_key = g.date_key AND t.customer_segment = g.customer_segment AND t.product_category = g.product_category)) AS r), (SELECT sum(f.line_total) FROM gold.fact_sales AS f)) AS x (own, other)
        ) AS m (value, low, high, total, details)
        ) AS m (name, value, low, high, total, details);
    ELSE
        DROP TABLE IF EXISTS pg_temp.measured;
        CREATE TEMP TABLE measured ON COMMIT DROP AS
        SELECT * FROM (
        SELECT 'reconciles_revenue', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, jsonb_build_object('own', x.own, 'other', x.other)
            FROM (SELECT (SELECT sum(net_revenue) FROM (SELECT c.* FROM pg_temp.computed AS c) AS r), (SELECT sum(f.line_total) FROM gold.fact_sales AS f)) AS x (own, other)
        ) AS m (value, low, high, total, details)
        ) AS m (name, value, low, high, total, details);
    END IF;
    PERFORM dwh_etl.require_checks('gold.agg_daily_sales', l_load.taken);
    PERFORM dwh_etl.record_checks('gold.agg_daily_sales', l_batch_id);

    IF l_full IS NULL THEN
        DELETE FROM gold.agg_daily_sales AS g
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.date_key = g.date_key AND t.customer_segment = g.customer_segment AND t.product_category = g.product_category)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.date_key = g.date_key AND c.customer_segment = g.customer_segment AND c.product_category = g.product_category);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        DELETE FROM gold.agg_daily_sales AS g
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.date_key = g.date_key AND c.customer_segment = g.customer_segment AND c.product_category = g.product_category);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.agg_daily_sales AS g
    SET order_count = c.order_count, item_count = c.item_count, gross_revenue = c.gross_revenue, discount_total = c.discount_total, tax_total = c.tax_total, net_revenue = c.net_revenue, avg_order_value = c.avg_order_value, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.date_key = c.date_key AND g.customer_segment = c.customer_segment AND g.product_category = c.product_category AND ROW(g.order_count, g.item_count, g.gross_revenue, g.discount_total, g.tax_total, g.net_revenue, g.avg_order_value) IS DISTINCT FROM ROW(c.order_count, c.item_count, c.gross_revenue, c.discount_total, c.tax_total, c.net_revenue, c.avg_order_value);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.agg_daily_sales (date_key, customer_segment, product_category, order_count, item_count, gross_revenue, discount_total, tax_total, net_revenue, avg_order_value, _batch_id)
    SELECT c.date_key, c.customer_segment, c.product_category, c.order_count, c.item_count, c.gross_revenue, c.discount_total, c.tax_total, c.net_revenue, c.avg_order_value, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.agg_daily_sales AS g WHERE g.date_key = c.date_key AND g.customer_segment = c.customer_segment AND g.product_category = c.product_category
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    CALL dwh_etl.ensure_constraints('gold.agg_daily_sales');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.agg_daily_sales' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'aggregate',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.agg_daily_sales although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_agg_daily_sales(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.agg_daily_sales';
    CALL dwh_etl.load_gold_agg_daily_sales(in_batch_id);
END
$routine$;

-- What the checks of gold.agg_daily_sales measure on its rows as they stand. in_read: how many rows a load has read,
-- in_taken: which batches it takes; without them what is about a load measures nothing. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.checks_gold_agg_daily_sales(
    in_read bigint DEFAULT NULL, in_taken bigint[] DEFAULT NULL
)
RETURNS TABLE (name text, value numeric, low numeric, high numeric, total numeric, details jsonb)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
SELECT 'reconciles_revenue', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
FROM (
    SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, jsonb_build_object('own', x.own, 'other', x.other)
    FROM (SELECT (SELECT sum(net_revenue) FROM (SELECT s.* FROM gold.agg_daily_sales AS s) AS r), (SELECT sum(f.line_total) FROM gold.fact_sales AS f)) AS x (own, other)
) AS m (value, low, high, total, details)
$routine$;

-- Which rows of its inputs each row of gold.agg_daily_sales is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_agg_daily_sales(
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
    l_key gold.agg_daily_sales%ROWTYPE := jsonb_populate_record(NULL::gold.agg_daily_sales, in_key);
    l_source_1 gold.fact_sales%ROWTYPE := jsonb_populate_record(
        NULL::gold.fact_sales, CASE WHEN in_source = 'gold.fact_sales' THEN in_source_key END
    );
    l_source_2 gold.dim_customer%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_customer, CASE WHEN in_source = 'gold.dim_customer' THEN in_source_key END
    );
    l_source_3 gold.dim_product%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_product, CASE WHEN in_source = 'gold.dim_product' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'gold.fact_sales' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('date_key', coalesce(q.date_key, -1), 'customer_segment', q.customer_segment, 'product_category', q.product_category),
            'gold.fact_sales',
            jsonb_build_object('sales_key', q._origin_0)
        FROM (
            SELECT
              f.date_key,
              COALESCE(c.customer_segment, 'Unknown') AS customer_segment,
              COALESCE(p.product_category, 'Unknown') AS product_category,
              "f"."sales_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_customer AS c
              ON c.customer_key = f.customer_key
            JOIN gold.dim_product AS p
              ON p.product_key = f.product_key
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR ((q.date_key = l_key.date_key OR (q.date_key IS NULL AND l_key.date_key = -1)) AND q.customer_segment = l_key.customer_segment AND q.product_category = l_key.product_category))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.sales_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_customer' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('date_key', coalesce(q.date_key, -1), 'customer_segment', q.customer_segment, 'product_category', q.product_category),
            'gold.dim_customer',
            jsonb_build_object('customer_key', q._origin_0)
        FROM (
            SELECT
              f.date_key,
              COALESCE(c.customer_segment, 'Unknown') AS customer_segment,
              COALESCE(p.product_category, 'Unknown') AS product_category,
              "c"."customer_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_customer AS c
              ON c.customer_key = f.customer_key
            JOIN gold.dim_product AS p
              ON p.product_key = f.product_key
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR ((q.date_key = l_key.date_key OR (q.date_key IS NULL AND l_key.date_key = -1)) AND q.customer_segment = l_key.customer_segment AND q.product_category = l_key.product_category))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.customer_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_product' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('date_key', coalesce(q.date_key, -1), 'customer_segment', q.customer_segment, 'product_category', q.product_category),
            'gold.dim_product',
            jsonb_build_object('product_key', q._origin_0)
        FROM (
            SELECT
              f.date_key,
              COALESCE(c.customer_segment, 'Unknown') AS customer_segment,
              COALESCE(p.product_category, 'Unknown') AS product_category,
              "p"."product_key" AS _origin_0
            FROM gold.fact_sales AS f
            JOIN gold.dim_customer AS c
              ON c.customer_key = f.customer_key
            JOIN gold.dim_product AS p
              ON p.product_key = f.product_key
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR ((q.date_key = l_key.date_key OR (q.date_key IS NULL AND l_key.date_key = -1)) AND q.customer_segment = l_key.customer_segment AND q.product_category = l_key.product_category))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_3.product_key));
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
    'gold.agg_daily_sales',
    'gold',
    'aggregate',
    'ecommerce',
    'What was sold on each day, by customers'' segments and products'' categories.',
     E'{"checks": [{"kind": "reconciles", "name": "revenue", "other": "SELECT sum(f.line_total) FROM gold.fact_sales AS f", "own": "sum(net_revenue)", "within": 0}], "columns": [{"name": "date_key"}, {"name": "customer_segment"}, {"name": "product_category"}, {"name": "order_count"}, {"name": "item_count"}, {"name": "gross_revenue"}, {"name": "discount_total"}, {"name": "tax_total"}, {"name": "net_revenue"}, {"name": "avg_order_value"}], "description": "What was sold on each day, by customers'' segments and products'' categories.", "dimensions": {"date_key": {"key": "date_key", "table": "gold.dim_date"}}, "grain": ["date_key", "customer_segment", "product_category"], "kind": "aggregate", "layer": "gold", "name": "agg_daily_sales", "origins": {"gold.dim_customer": ["customer_key"], "gold.dim_product": ["product_key"], "gold.fact_sales": ["sales_key"]}, "query": "SELECT\\n    f.date_key,\\n    coalesce(c.customer_segment, ''Unknown'') AS customer_segment,\\n    coalesce(p.product_category, ''Unknown'') AS product_category,\\n    count(DISTINCT f.order_id)::integer AS order_count,\\n    sum(f.quantity)::integer AS item_count,\\n    sum(f.quantity * f.unit_price)::numeric(12, 2) AS gross_revenue,\\n    sum(f.discount_amount)::numeric(12, 2) AS discount_total,\\n    sum(f.tax_amount)::numeric(12, 2) AS tax_total,\\n    sum(f.line_total)::numeric(12, 2) AS net_revenue,\\n    -- Of orders, not of lines.\\n    (sum(f.line_total) / count(DISTINCT f.order_id))::numeric(10, 2) AS avg_order_value\\nFROM gold.fact_sales AS f\\nJOIN gold.dim_customer AS c ON c.customer_key = f.customer_key\\nJOIN gold.dim_product AS p ON p.product_key = f.product_key\\nGROUP BY 1, 2, 3", "required": ["order_count", "item_count", "gross_revenue", "discount_total", "tax_total", "net_revenue", "avg_order_value"], "routines": {"refresh_agg_daily_sales": "-- Computes gold.agg_daily_sales again, although nothing waits for it. Takes a day''s key, for whoever names one; every day\\n-- that differs is written.\\nCREATE PROCEDURE dwh_etl.refresh_agg_daily_sales(in_date_key integer DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.rebuild_gold_agg_daily_sales();\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.refresh_agg_daily_sales(integer) IS ''Computes gold.agg_daily_sales again'';\\n", "run_ecommerce_pipeline": "-- Runs the pipeline ecommerce_daily in this session, with in_date as its parameter `date`. As run_pipeline.\\nCREATE PROCEDURE dwh_etl.run_ecommerce_pipeline(in_date date DEFAULT current_date - 1)\\nLANGUAGE plpgsql\\nAS $$\\nBEGIN\\n    CALL dwh_etl.run_pipeline(''ecommerce_daily'', jsonb_build_object(''date'', in_date));\\nEND\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.run_ecommerce_pipeline(date) IS ''Runs the pipeline ecommerce_daily in this session'';\\n"}}'::jsonb,
    'gold.agg_daily_sales',
    'dwh_etl.load_gold_agg_daily_sales',
    'dwh_etl.rebuild_gold_agg_daily_sales',
    'dwh_etl.origins_gold_agg_daily_sales'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.agg_daily_sales' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('gold.agg_daily_sales', 'reconciles_revenue', 10001, NULL, 'reconciles', '{"kind": "reconciles", "name": "revenue", "other": "SELECT sum(f.line_total) FROM gold.fact_sales AS f", "own": "sum(net_revenue)", "within": 0}'::jsonb, 'revenue: sum(net_revenue) is {} away from SELECT sum(f.line_total) FROM gold.fact_sales AS f', '013fdf696857', false, 'fail', '0', true, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('gold.agg_daily_sales', 'gold.fact_sales');
SELECT dwh_lineage.register_input('gold.agg_daily_sales', 'gold.dim_customer');
SELECT dwh_lineage.register_input('gold.agg_daily_sales', 'gold.dim_product');
SELECT dwh_etl.read_images('gold.agg_daily_sales', '{"gold.dim_customer": "whole", "gold.dim_product": "whole", "gold.fact_sales": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.agg_daily_sales' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('gold.fact_sales', 'date_key', 'gold.agg_daily_sales', 'date_key', 'f.date_key', 'DIRECT', true),
    ('gold.dim_customer', 'customer_segment', 'gold.agg_daily_sales', 'customer_segment', 'COALESCE(c.customer_segment, ''Unknown'')', 'DIRECT', true),
    ('gold.dim_product', 'product_category', 'gold.agg_daily_sales', 'product_category', 'COALESCE(p.product_category, ''Unknown'')', 'DIRECT', true),
    ('gold.fact_sales', 'order_id', 'gold.agg_daily_sales', 'order_count', 'CAST(COUNT(DISTINCT f.order_id) AS INT)', 'DIRECT', false),
    ('gold.fact_sales', 'quantity', 'gold.agg_daily_sales', 'item_count', 'CAST(SUM(f.quantity) AS INT)', 'DIRECT', false),
    ('gold.fact_sales', 'quantity', 'gold.agg_daily_sales', 'gross_revenue', 'CAST(SUM(f.quantity * f.unit_price) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'unit_price', 'gold.agg_daily_sales', 'gross_revenue', 'CAST(SUM(f.quantity * f.unit_price) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'discount_amount', 'gold.agg_daily_sales', 'discount_total', 'CAST(SUM(f.discount_amount) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'tax_amount', 'gold.agg_daily_sales', 'tax_total', 'CAST(SUM(f.tax_amount) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'line_total', 'gold.agg_daily_sales', 'net_revenue', 'CAST(SUM(f.line_total) AS DECIMAL(12, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'line_total', 'gold.agg_daily_sales', 'avg_order_value', 'CAST((SUM(f.line_total) / COUNT(DISTINCT f.order_id)) /* Of orders, not of lines. */ AS DECIMAL(10, 2))', 'DIRECT', false),
    ('gold.fact_sales', 'order_id', 'gold.agg_daily_sales', 'avg_order_value', 'CAST((SUM(f.line_total) / COUNT(DISTINCT f.order_id)) /* Of orders, not of lines. */ AS DECIMAL(10, 2))', 'DIRECT', false);

SELECT dwh_etl.ensure_images('gold.agg_daily_sales');

-- Computes gold.agg_daily_sales again, although nothing waits for it. Takes a day's key, for whoever names one; every day
-- that differs is written.
CREATE PROCEDURE dwh_etl.refresh_agg_daily_sales(in_date_key integer DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.rebuild_gold_agg_daily_sales();
$$;
COMMENT ON PROCEDURE dwh_etl.refresh_agg_daily_sales(integer) IS 'Computes gold.agg_daily_sales again';

-- Runs the pipeline ecommerce_daily in this session, with in_date as its parameter `date`. As run_pipeline.
CREATE PROCEDURE dwh_etl.run_ecommerce_pipeline(in_date date DEFAULT current_date - 1)
LANGUAGE plpgsql
AS $$
BEGIN
    CALL dwh_etl.run_pipeline('ecommerce_daily', jsonb_build_object('date', in_date));
END
$$;
COMMENT ON PROCEDURE dwh_etl.run_ecommerce_pipeline(date) IS 'Runs the pipeline ecommerce_daily in this session';
