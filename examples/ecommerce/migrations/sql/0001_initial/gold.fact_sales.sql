CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    i.order_id,
    i.order_line_number,
    c.customer_key,
    p.product_key,
    g.geography_key,
    d.date_key,
    i.quantity,
    i.unit_price,
    i.discount AS discount_amount,
    i.tax AS tax_amount,
    o.order_sk AS _silver_order_sk
FROM silver.order_items AS i
JOIN silver.orders AS o ON o.order_id = i.order_id
LEFT JOIN gold.dim_date AS d ON d.full_date = (o.ordered_at AT TIME ZONE 'UTC')::date
LEFT JOIN gold.dim_customer AS c
    ON c.customer_id = o.customer_id
    AND o.ordered_at >= c.valid_from AND (o.ordered_at < c.valid_to OR c.valid_to IS NULL)
LEFT JOIN gold.dim_product AS p
    ON p.product_id = i.product_id
    AND o.ordered_at >= p.valid_from AND (o.ordered_at < p.valid_to OR p.valid_to IS NULL)
LEFT JOIN gold.dim_geography AS g ON g.country = c.country AND g.city = c.city
WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned')
) AS q
WITH NO DATA;
CREATE TABLE gold.fact_sales (
    sales_key bigint GENERATED ALWAYS AS IDENTITY,
    LIKE dwh_staging.shape,
    line_total numeric(12,2) GENERATED ALWAYS AS (quantity * unit_price - discount_amount + tax_amount) STORED,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sales_key, date_key),
    CONSTRAINT fact_sales_grain UNIQUE (order_id, order_line_number, date_key),
    CONSTRAINT fact_sales_quantity_positive CHECK (quantity > 0),
    CONSTRAINT fact_sales_price_positive CHECK (unit_price >= 0)
) PARTITION BY RANGE (date_key);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.fact_sales
    ALTER COLUMN order_id SET NOT NULL,
    ALTER COLUMN order_line_number SET NOT NULL,
    ALTER COLUMN customer_key SET NOT NULL,
    ALTER COLUMN product_key SET NOT NULL,
    ALTER COLUMN geography_key SET NOT NULL,
    ALTER COLUMN date_key SET NOT NULL,
    ALTER COLUMN quantity SET NOT NULL,
    ALTER COLUMN unit_price SET NOT NULL,
    ALTER COLUMN discount_amount SET NOT NULL,
    ALTER COLUMN tax_amount SET NOT NULL;
COMMENT ON TABLE gold.fact_sales IS 'Lines of orders that were neither cancelled nor returned, with customer and product as they were when it was
ordered.';
CREATE INDEX fact_sales_date_idx ON gold.fact_sales (date_key);
CREATE INDEX fact_sales_customer_idx ON gold.fact_sales (customer_key);
CREATE INDEX fact_sales_product_idx ON gold.fact_sales (product_key);
CREATE INDEX fact_sales_geography_idx ON gold.fact_sales (geography_key);
CREATE INDEX fact_sales_date_customer_idx ON gold.fact_sales (date_key, customer_key);
CREATE INDEX fact_sales_date_brin_idx ON gold.fact_sales USING brin (date_key);
CREATE INDEX fact_sales_covering_idx ON gold.fact_sales (date_key) INCLUDE (quantity, line_total);


-- Computes gold.fact_sales for the keys that changes of its inputs touch, or in full where these are many and
-- writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_fact_sales(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.fact_sales');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
    l_delta_2 bigint;
    l_delta_3 bigint;
    l_delta_4 bigint;
    l_delta_5 bigint;
    l_delta_6 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.fact_sales', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.fact_sales', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT discount, is_current, order_id, order_line_number, product_id, quantity, tax, unit_price, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_order_items
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY discount, is_current, order_id, order_line_number, product_id, quantity, tax, unit_price
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('silver.order_items', coalesce((l_read ->> 'silver.order_items')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.order_items', l_delta_1, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_2;
        CREATE TEMP TABLE delta_2 ON COMMIT DROP AS
        SELECT customer_id, is_current, order_id, order_sk, ordered_at, status, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_orders
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY customer_id, is_current, order_id, order_sk, ordered_at, status
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_2 = ROW_COUNT;
        ANALYZE pg_temp.delta_2;
        l_read := l_read || jsonb_build_object('silver.orders', coalesce((l_read ->> 'silver.orders')::bigint, 0) + l_delta_2);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.orders', l_delta_2, 'changed rows'));
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
        DROP TABLE IF EXISTS pg_temp.delta_4;
        CREATE TEMP TABLE delta_4 ON COMMIT DROP AS
        SELECT city, country, customer_id, customer_key, valid_from, valid_to, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_customer
        WHERE _batch_no = ANY (l_load.taken) AND _retired_at IS NULL AND customer_key > 0
        GROUP BY city, country, customer_id, customer_key, valid_from, valid_to
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_4 = ROW_COUNT;
        ANALYZE pg_temp.delta_4;
        l_read := l_read || jsonb_build_object('gold.dim_customer', coalesce((l_read ->> 'gold.dim_customer')::bigint, 0) + l_delta_4);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_customer', l_delta_4, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_5;
        CREATE TEMP TABLE delta_5 ON COMMIT DROP AS
        SELECT product_id, product_key, valid_from, valid_to, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_product
        WHERE _batch_no = ANY (l_load.taken) AND _retired_at IS NULL AND product_key > 0
        GROUP BY product_id, product_key, valid_from, valid_to
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_5 = ROW_COUNT;
        ANALYZE pg_temp.delta_5;
        l_read := l_read || jsonb_build_object('gold.dim_product', coalesce((l_read ->> 'gold.dim_product')::bigint, 0) + l_delta_5);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_product', l_delta_5, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_6;
        CREATE TEMP TABLE delta_6 ON COMMIT DROP AS
        SELECT city, country, geography_key, sum(_change)::integer AS _change
        FROM dwh_staging.images_gold_dim_geography
        WHERE _batch_no = ANY (l_load.taken) AND _retired_at IS NULL AND geography_key > 0
        GROUP BY city, country, geography_key
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_6 = ROW_COUNT;
        ANALYZE pg_temp.delta_6;
        l_read := l_read || jsonb_build_object('gold.dim_geography', coalesce((l_read ->> 'gold.dim_geography')::bigint, 0) + l_delta_6);
        l_full := coalesce(l_full, dwh_etl.why_too_many('gold.dim_geography', l_delta_6, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.order_id, g.order_line_number FROM gold.fact_sales AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (order_id, order_line_number)
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM pg_temp.delta_1 AS i, (SELECT is_current, order_id, status FROM silver.orders UNION ALL SELECT is_current, order_id, status FROM pg_temp.delta_2 WHERE _change < 0) AS o WHERE ("o"."order_id" = "i"."order_id") AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'));
        END IF;
        IF l_delta_2 > 0 THEN
            INSERT INTO pg_temp.candidates (order_id, order_line_number)
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM (SELECT is_current, order_id, order_line_number FROM silver.order_items UNION ALL SELECT is_current, order_id, order_line_number FROM pg_temp.delta_1 WHERE _change < 0) AS i, pg_temp.delta_2 AS o WHERE ("o"."order_id" = "i"."order_id") AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'));
        END IF;
        IF l_delta_3 > 0 THEN
            INSERT INTO pg_temp.candidates (order_id, order_line_number)
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM (SELECT is_current, order_id, order_line_number FROM silver.order_items UNION ALL SELECT is_current, order_id, order_line_number FROM pg_temp.delta_1 WHERE _change < 0) AS i, (SELECT is_current, order_id, ordered_at, status FROM silver.orders UNION ALL SELECT is_current, order_id, ordered_at, status FROM pg_temp.delta_2 WHERE _change < 0) AS o, pg_temp.delta_3 AS d WHERE ("o"."order_id" = "i"."order_id") AND ("d"."full_date" = CAST(("o"."ordered_at" AT TIME ZONE 'UTC') AS DATE)) AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'));
        END IF;
        IF l_delta_4 > 0 THEN
            INSERT INTO pg_temp.candidates (order_id, order_line_number)
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM (SELECT is_current, order_id, order_line_number FROM silver.order_items UNION ALL SELECT is_current, order_id, order_line_number FROM pg_temp.delta_1 WHERE _change < 0) AS i, (SELECT customer_id, is_current, order_id, ordered_at, status FROM silver.orders UNION ALL SELECT customer_id, is_current, order_id, ordered_at, status FROM pg_temp.delta_2 WHERE _change < 0) AS o, pg_temp.delta_4 AS c WHERE ("o"."order_id" = "i"."order_id") AND ("c"."customer_id" = "o"."customer_id") AND ("o"."ordered_at" >= "c"."valid_from") AND ("o"."ordered_at" < "c"."valid_to" OR "c"."valid_to" IS NULL) AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'));
        END IF;
        IF l_delta_5 > 0 THEN
            INSERT INTO pg_temp.candidates (order_id, order_line_number)
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM (SELECT is_current, order_id, order_line_number, product_id FROM silver.order_items UNION ALL SELECT is_current, order_id, order_line_number, product_id FROM pg_temp.delta_1 WHERE _change < 0) AS i, (SELECT is_current, order_id, ordered_at, status FROM silver.orders UNION ALL SELECT is_current, order_id, ordered_at, status FROM pg_temp.delta_2 WHERE _change < 0) AS o, pg_temp.delta_5 AS p WHERE ("o"."order_id" = "i"."order_id") AND ("p"."product_id" = "i"."product_id") AND ("o"."ordered_at" >= "p"."valid_from") AND ("o"."ordered_at" < "p"."valid_to" OR "p"."valid_to" IS NULL) AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'));
        END IF;
        IF l_delta_6 > 0 THEN
            INSERT INTO pg_temp.candidates (order_id, order_line_number)
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM (SELECT is_current, order_id, order_line_number FROM silver.order_items UNION ALL SELECT is_current, order_id, order_line_number FROM pg_temp.delta_1 WHERE _change < 0) AS i, (SELECT customer_id, is_current, order_id, ordered_at, status FROM silver.orders UNION ALL SELECT customer_id, is_current, order_id, ordered_at, status FROM pg_temp.delta_2 WHERE _change < 0) AS o, (SELECT city, country, customer_id, valid_from, valid_to FROM gold.dim_customer WHERE _retired_at IS NULL AND customer_key > 0 UNION ALL SELECT city, country, customer_id, valid_from, valid_to FROM pg_temp.delta_4 WHERE _change < 0) AS c, pg_temp.delta_6 AS g WHERE ("o"."order_id" = "i"."order_id") AND ("c"."customer_id" = "o"."customer_id") AND ("o"."ordered_at" >= "c"."valid_from") AND ("o"."ordered_at" < "c"."valid_to" OR "c"."valid_to" IS NULL) AND ("g"."country" = "c"."country") AND ("g"."city" = "c"."city") AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned')) UNION ALL
            SELECT "i"."order_id" AS order_id, "i"."order_line_number" AS order_line_number FROM (SELECT is_current, order_id, order_line_number FROM silver.order_items UNION ALL SELECT is_current, order_id, order_line_number FROM pg_temp.delta_1 WHERE _change < 0) AS i, (SELECT customer_id, is_current, order_id, ordered_at, status FROM silver.orders UNION ALL SELECT customer_id, is_current, order_id, ordered_at, status FROM pg_temp.delta_2 WHERE _change < 0) AS o, (SELECT n.city, n.country, n.customer_id, n.valid_from, n.valid_to FROM (VALUES (1)) AS one (one) LEFT JOIN gold.dim_customer AS n ON false) AS "c lacking", pg_temp.delta_6 AS g WHERE ("o"."order_id" = "i"."order_id") AND ("g"."country" = "c lacking"."country") AND ("g"."city" = "c lacking"."city") AND ("i"."is_current") AND ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'));
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.order_id IS NULL OR c.order_line_number IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.order_id, c.order_line_number FROM pg_temp.candidates AS c WHERE c.order_id IS NOT NULL AND c.order_line_number IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.fact_sales', l_keys, 'keys'),
            dwh_etl.why_costly('gold.fact_sales', l_keys,  E'[["silver.order_items", "silver.order_items AS i WHERE (\\"i\\".\\"order_id\\", \\"i\\".\\"order_line_number\\") IN (SELECT order_id, order_line_number FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.order_id,
            q.order_line_number,
            coalesce(q.customer_key, -1) AS customer_key,
            coalesce(q.product_key, -1) AS product_key,
            coalesce(q.geography_key, -1) AS geography_key,
            coalesce(q.date_key, -1) AS date_key,
            q.quantity,
            q.unit_price,
            q.discount_amount,
            q.tax_amount,
            q._silver_order_sk
        FROM (
        SELECT
            i.order_id,
            i.order_line_number,
            c.customer_key,
            p.product_key,
            g.geography_key,
            d.date_key,
            i.quantity,
            i.unit_price,
            i.discount AS discount_amount,
            i.tax AS tax_amount,
            o.order_sk AS _silver_order_sk
        FROM (SELECT * FROM silver.order_items AS i WHERE ("i"."order_id", "i"."order_line_number") IN (SELECT order_id, order_line_number FROM pg_temp.touched)) AS i
        JOIN silver.orders AS o ON o.order_id = i.order_id
        LEFT JOIN gold.dim_date AS d ON d.full_date = (o.ordered_at AT TIME ZONE 'UTC')::date
        LEFT JOIN (SELECT * FROM gold.dim_customer AS c WHERE _retired_at IS NULL AND customer_key > 0) AS c
            ON c.customer_id = o.customer_id
            AND o.ordered_at >= c.valid_from AND (o.ordered_at < c.valid_to OR c.valid_to IS NULL)
        LEFT JOIN (SELECT * FROM gold.dim_product AS p WHERE _retired_at IS NULL AND product_key > 0) AS p
            ON p.product_id = i.product_id
            AND o.ordered_at >= p.valid_from AND (o.ordered_at < p.valid_to OR p.valid_to IS NULL)
        LEFT JOIN (SELECT * FROM gold.dim_geography AS g WHERE _retired_at IS NULL AND geography_key > 0) AS g ON g.country = c.country AND g.city = c.city
        WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned')
        ) AS q
        WHERE (q.order_id, q.order_line_number) IN (SELECT t.order_id, t.order_line_number FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.order_id,
                q.order_line_number,
                coalesce(q.customer_key, -1) AS customer_key,
                coalesce(q.product_key, -1) AS product_key,
                coalesce(q.geography_key, -1) AS geography_key,
                coalesce(q.date_key, -1) AS date_key,
                q.quantity,
                q.unit_price,
                q.discount_amount,
                q.tax_amount,
                q._silver_order_sk
            FROM (
        SELECT
            i.order_id,
            i.order_line_number,
            c.customer_key,
            p.product_key,
            g.geography_key,
            d.date_key,
            i.quantity,
            i.unit_price,
            i.discount AS discount_amount,
            i.tax AS tax_amount,
            o.order_sk AS _silver_order_sk
        FROM silver.order_items AS i
        JOIN silver.orders AS o ON o.order_id = i.order_id
        LEFT JOIN gold.dim_date AS d ON d.full_date = (o.ordered_at AT TIME ZONE 'UTC')::date
        LEFT JOIN (SELECT * FROM gold.dim_customer AS c WHERE _retired_at IS NULL AND customer_key > 0) AS c
            ON c.customer_id = o.customer_id
            AND o.ordered_at >= c.valid_from AND (o.ordered_at < c.valid_to OR c.valid_to IS NULL)
        LEFT JOIN (SELECT * FROM gold.dim_product AS p WHERE _retired_at IS NULL AND product_key > 0) AS p
            ON p.product_id = i.product_id
            AND o.ordered_at >= p.valid_from AND (o.ordered_at < p.valid_to OR p.valid_to IS NULL)
        LEFT JOIN (SELECT * FROM gold.dim_geography AS g WHERE _retired_at IS NULL AND geography_key > 0) AS g ON g.country = c.country AND g.city = c.city
        WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned')
            ) AS q
            WHERE q.order_id IS NULL OR q.order_line_number IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.order_id,
            q.order_line_number,
            coalesce(q.customer_key, -1) AS customer_key,
            coalesce(q.product_key, -1) AS product_key,
            coalesce(q.geography_key, -1) AS geography_key,
            coalesce(q.date_key, -1) AS date_key,
            q.quantity,
            q.unit_price,
            q.discount_amount,
            q.tax_amount,
            q._silver_order_sk
        FROM (
        SELECT
            i.order_id,
            i.order_line_number,
            c.customer_key,
            p.product_key,
            g.geography_key,
            d.date_key,
            i.quantity,
            i.unit_price,
            i.discount AS discount_amount,
            i.tax AS tax_amount,
            o.order_sk AS _silver_order_sk
        FROM silver.order_items AS i
        JOIN silver.orders AS o ON o.order_id = i.order_id
        LEFT JOIN gold.dim_date AS d ON d.full_date = (o.ordered_at AT TIME ZONE 'UTC')::date
        LEFT JOIN (SELECT * FROM gold.dim_customer AS c WHERE _retired_at IS NULL AND customer_key > 0) AS c
            ON c.customer_id = o.customer_id
            AND o.ordered_at >= c.valid_from AND (o.ordered_at < c.valid_to OR c.valid_to IS NULL)
        LEFT JOIN (SELECT * FROM gold.dim_product AS p WHERE _retired_at IS NULL AND product_key > 0) AS p
            ON p.product_id = i.product_id
            AND o.ordered_at >= p.valid_from AND (o.ordered_at < p.valid_to OR p.valid_to IS NULL)
        LEFT JOIN (SELECT * FROM gold.dim_geography AS g WHERE _retired_at IS NULL AND geography_key > 0) AS g ON g.country = c.country AND g.city = c.city
        WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned')
        ) AS q;
        l_read := jsonb_build_object('silver.order_items', (SELECT count(*) FROM silver.order_items), 'silver.orders', (SELECT count(*) FROM silver.orders), 'gold.dim_date', (SELECT count(*) FROM gold.dim_date), 'gold.dim_customer', (SELECT count(*) FROM gold.dim_customer), 'gold.dim_product', (SELECT count(*) FROM gold.dim_product), 'gold.dim_geography', (SELECT count(*) FROM gold.dim_geography));
    END IF;
    RAISE NOTICE '%', 'gold.fact_sales' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.fact_sales');
    ANALYZE pg_temp.computed;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.measured;
        CREATE TEMP TABLE measured ON COMMIT DROP AS
        SELECT * FROM (
        SELECT 'references_customer_key', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT count(*) FILTER (WHERE r.customer_key = -1 OR (r.customer_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gold.dim_customer AS d WHERE d.customer_key = r.customer_key))), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c
            UNION ALL
            SELECT g.order_id, g.order_line_number, g.customer_key, g.product_key, g.geography_key, g.date_key, g.quantity, g.unit_price, g.discount_amount, g.tax_amount, g._silver_order_sk, g.line_total FROM gold.fact_sales AS g WHERE NOT EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.order_id = g.order_id AND t.order_line_number = g.order_line_number)) AS r
        ) AS m (value, low, high, total, details)
        UNION ALL
        SELECT 'references_product_key', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT count(*) FILTER (WHERE r.product_key = -1 OR (r.product_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gold.dim_product AS d WHERE d.product_key = r.product_key))), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c
            UNION ALL
            SELECT g.order_id, g.order_line_number, g.customer_key, g.product_key, g.geography_key, g.date_key, g.quantity, g.unit_price, g.discount_amount, g.tax_amount, g._silver_order_sk, g.line_total FROM gold.fact_sales AS g WHERE NOT EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.order_id = g.order_id AND t.order_line_number = g.order_line_number)) AS r
        ) AS m (value, low, high, total, details)
        UNION ALL
        SELECT 'between_quantity', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT count(*) FILTER (WHERE r.quantity < 1 OR r.quantity > 10000), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c
            UNION ALL
            SELECT g.order_id, g.order_line_number, g.customer_key, g.product_key, g.geography_key, g.date_key, g.quantity, g.unit_price, g.discount_amount, g.tax_amount, g._silver_order_sk, g.line_total FROM gold.fact_sales AS g WHERE NOT EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.order_id = g.order_id AND t.order_line_number = g.order_line_number)) AS r
        ) AS m (value, low, high, total, details)
        UNION ALL
        SELECT 'reconciles_quantities', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, jsonb_build_object('own', x.own, 'other', x.other)
            FROM (SELECT (SELECT sum(quantity) FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c
            UNION ALL
            SELECT g.order_id, g.order_line_number, g.customer_key, g.product_key, g.geography_key, g.date_key, g.quantity, g.unit_price, g.discount_amount, g.tax_amount, g._silver_order_sk, g.line_total FROM gold.fact_sales AS g WHERE NOT EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.order_id = g.order_id AND t.order_line_number = g.order_line_number)) AS r), (SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned'))) AS x (own, other)
        ) AS m (value, low, high, total, details)
        ) AS m (name, value, low, high, total, details);
    ELSE
        DROP TABLE IF EXISTS pg_temp.measured;
        CREATE TEMP TABLE measured ON COMMIT DROP AS
        SELECT * FROM (
        SELECT 'references_customer_key', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT count(*) FILTER (WHERE r.customer_key = -1 OR (r.customer_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gold.dim_customer AS d WHERE d.customer_key = r.customer_key))), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c) AS r
        ) AS m (value, low, high, total, details)
        UNION ALL
        SELECT 'references_product_key', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT count(*) FILTER (WHERE r.product_key = -1 OR (r.product_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gold.dim_product AS d WHERE d.product_key = r.product_key))), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c) AS r
        ) AS m (value, low, high, total, details)
        UNION ALL
        SELECT 'between_quantity', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT count(*) FILTER (WHERE r.quantity < 1 OR r.quantity > 10000), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c) AS r
        ) AS m (value, low, high, total, details)
        UNION ALL
        SELECT 'reconciles_quantities', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
        FROM (
            SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, jsonb_build_object('own', x.own, 'other', x.other)
            FROM (SELECT (SELECT sum(quantity) FROM (SELECT c.*, (quantity * unit_price - discount_amount + tax_amount) AS line_total FROM pg_temp.computed AS c) AS r), (SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned'))) AS x (own, other)
        ) AS m (value, low, high, total, details)
        ) AS m (name, value, low, high, total, details);
    END IF;
    PERFORM dwh_etl.require_checks('gold.fact_sales', l_load.taken);
    PERFORM dwh_etl.record_checks('gold.fact_sales', l_batch_id);
    PERFORM dwh_etl.ensure_partitions('gold.fact_sales', ARRAY(
        SELECT DISTINCT left(replace(c.date_key::text, '-', ''), 4) FROM pg_temp.computed AS c WHERE c.date_key::text NOT LIKE '-%'
    ));
    PERFORM dwh_etl.refuse_doubles('gold.fact_sales', '{order_id,order_line_number}');

    IF l_full IS NULL THEN
        DELETE FROM gold.fact_sales AS g
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.order_id = g.order_id AND t.order_line_number = g.order_line_number)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.order_id = g.order_id AND c.order_line_number = g.order_line_number);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        DELETE FROM gold.fact_sales AS g
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.order_id = g.order_id AND c.order_line_number = g.order_line_number);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.fact_sales AS g
    SET customer_key = c.customer_key, product_key = c.product_key, geography_key = c.geography_key, date_key = c.date_key, quantity = c.quantity, unit_price = c.unit_price, discount_amount = c.discount_amount, tax_amount = c.tax_amount, _silver_order_sk = c._silver_order_sk, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.order_id = c.order_id AND g.order_line_number = c.order_line_number AND ROW(g.customer_key, g.product_key, g.geography_key, g.date_key, g.quantity, g.unit_price, g.discount_amount, g.tax_amount, g._silver_order_sk) IS DISTINCT FROM ROW(c.customer_key, c.product_key, c.geography_key, c.date_key, c.quantity, c.unit_price, c.discount_amount, c.tax_amount, c._silver_order_sk);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.fact_sales (order_id, order_line_number, customer_key, product_key, geography_key, date_key, quantity, unit_price, discount_amount, tax_amount, _silver_order_sk, _batch_id)
    SELECT c.order_id, c.order_line_number, c.customer_key, c.product_key, c.geography_key, c.date_key, c.quantity, c.unit_price, c.discount_amount, c.tax_amount, c._silver_order_sk, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.fact_sales AS g WHERE g.order_id = c.order_id AND g.order_line_number = c.order_line_number
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    CALL dwh_etl.ensure_constraints('gold.fact_sales');
    PERFORM dwh_etl.purge_retired('gold.dim_customer');
    PERFORM dwh_etl.purge_retired('gold.dim_geography');
    PERFORM dwh_etl.purge_retired('gold.dim_product');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.fact_sales' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.fact_sales although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_fact_sales(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.fact_sales';
    CALL dwh_etl.load_gold_fact_sales(in_batch_id);
END
$routine$;

-- What the checks of gold.fact_sales measure on its rows as they stand. in_read: how many rows a load has read,
-- in_taken: which batches it takes; without them what is about a load measures nothing. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.checks_gold_fact_sales(
    in_read bigint DEFAULT NULL, in_taken bigint[] DEFAULT NULL
)
RETURNS TABLE (name text, value numeric, low numeric, high numeric, total numeric, details jsonb)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
SELECT 'references_customer_key', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
FROM (
    SELECT count(*) FILTER (WHERE r.customer_key = -1 OR (r.customer_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gold.dim_customer AS d WHERE d.customer_key = r.customer_key))), NULL, NULL, count(*), NULL::jsonb FROM (SELECT s.* FROM gold.fact_sales AS s) AS r
) AS m (value, low, high, total, details)
UNION ALL
SELECT 'references_product_key', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
FROM (
    SELECT count(*) FILTER (WHERE r.product_key = -1 OR (r.product_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gold.dim_product AS d WHERE d.product_key = r.product_key))), NULL, NULL, count(*), NULL::jsonb FROM (SELECT s.* FROM gold.fact_sales AS s) AS r
) AS m (value, low, high, total, details)
UNION ALL
SELECT 'between_quantity', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
FROM (
    SELECT count(*) FILTER (WHERE r.quantity < 1 OR r.quantity > 10000), NULL, NULL, count(*), NULL::jsonb FROM (SELECT s.* FROM gold.fact_sales AS s) AS r
) AS m (value, low, high, total, details)
UNION ALL
SELECT 'reconciles_quantities', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
FROM (
    SELECT abs(coalesce(x.own, 0) - coalesce(x.other, 0)), NULL, NULL, NULL, jsonb_build_object('own', x.own, 'other', x.other)
    FROM (SELECT (SELECT sum(quantity) FROM (SELECT s.* FROM gold.fact_sales AS s) AS r), (SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) WHERE i.is_current AND o.is_current AND o.status NOT IN ('cancelled', 'returned'))) AS x (own, other)
) AS m (value, low, high, total, details)
$routine$;

-- Which rows of its inputs each row of gold.fact_sales is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_fact_sales(
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
    l_key gold.fact_sales%ROWTYPE := jsonb_populate_record(NULL::gold.fact_sales, in_key);
    l_source_1 silver.order_items%ROWTYPE := jsonb_populate_record(
        NULL::silver.order_items, CASE WHEN in_source = 'silver.order_items' THEN in_source_key END
    );
    l_source_2 silver.orders%ROWTYPE := jsonb_populate_record(
        NULL::silver.orders, CASE WHEN in_source = 'silver.orders' THEN in_source_key END
    );
    l_source_3 gold.dim_date%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_date, CASE WHEN in_source = 'gold.dim_date' THEN in_source_key END
    );
    l_source_4 gold.dim_customer%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_customer, CASE WHEN in_source = 'gold.dim_customer' THEN in_source_key END
    );
    l_source_5 gold.dim_product%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_product, CASE WHEN in_source = 'gold.dim_product' THEN in_source_key END
    );
    l_source_6 gold.dim_geography%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_geography, CASE WHEN in_source = 'gold.dim_geography' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'silver.order_items' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('order_id', q.order_id, 'order_line_number', q.order_line_number),
            'silver.order_items',
            jsonb_build_object('order_id', q._origin_0, 'order_line_number', q._origin_1, 'valid_from', q._origin_2)
        FROM (
            SELECT
              i.order_id,
              i.order_line_number,
              "i"."order_id" AS _origin_0,
              "i"."order_line_number" AS _origin_1,
              "i"."valid_from" AS _origin_2
            FROM silver.order_items AS i
            JOIN silver.orders AS o
              ON o.order_id = i.order_id
            LEFT JOIN gold.dim_date AS d
              ON d.full_date = CAST((
                o.ordered_at AT TIME ZONE 'UTC'
              ) AS DATE)
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
              ON c.customer_id = o.customer_id
              AND o.ordered_at >= c.valid_from
              AND (
                o.ordered_at < c.valid_to OR c.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = i.product_id
              AND o.ordered_at >= p.valid_from
              AND (
                o.ordered_at < p.valid_to OR p.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_geography AS g
              WHERE
                _retired_at IS NULL AND geography_key > 0
            ) AS g
              ON g.country = c.country AND g.city = c.city
            WHERE
              i.is_current AND o.is_current AND NOT o.status IN ('cancelled', 'returned')
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.order_id = l_key.order_id AND q.order_line_number = l_key.order_line_number))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.order_id AND q._origin_1 = l_source_1.order_line_number AND q._origin_2 = l_source_1.valid_from));
    END IF;
    IF in_source IS NULL OR in_source = 'silver.orders' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('order_id', q.order_id, 'order_line_number', q.order_line_number),
            'silver.orders',
            jsonb_build_object('order_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              i.order_id,
              i.order_line_number,
              "o"."order_id" AS _origin_0,
              "o"."valid_from" AS _origin_1
            FROM silver.order_items AS i
            JOIN silver.orders AS o
              ON o.order_id = i.order_id
            LEFT JOIN gold.dim_date AS d
              ON d.full_date = CAST((
                o.ordered_at AT TIME ZONE 'UTC'
              ) AS DATE)
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
              ON c.customer_id = o.customer_id
              AND o.ordered_at >= c.valid_from
              AND (
                o.ordered_at < c.valid_to OR c.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = i.product_id
              AND o.ordered_at >= p.valid_from
              AND (
                o.ordered_at < p.valid_to OR p.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_geography AS g
              WHERE
                _retired_at IS NULL AND geography_key > 0
            ) AS g
              ON g.country = c.country AND g.city = c.city
            WHERE
              i.is_current AND o.is_current AND NOT o.status IN ('cancelled', 'returned')
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.order_id = l_key.order_id AND q.order_line_number = l_key.order_line_number))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.order_id AND q._origin_1 = l_source_2.valid_from));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_date' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('order_id', q.order_id, 'order_line_number', q.order_line_number),
            'gold.dim_date',
            jsonb_build_object('date_key', q._origin_0)
        FROM (
            SELECT
              i.order_id,
              i.order_line_number,
              "d"."date_key" AS _origin_0
            FROM silver.order_items AS i
            JOIN silver.orders AS o
              ON o.order_id = i.order_id
            LEFT JOIN gold.dim_date AS d
              ON d.full_date = CAST((
                o.ordered_at AT TIME ZONE 'UTC'
              ) AS DATE)
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
              ON c.customer_id = o.customer_id
              AND o.ordered_at >= c.valid_from
              AND (
                o.ordered_at < c.valid_to OR c.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = i.product_id
              AND o.ordered_at >= p.valid_from
              AND (
                o.ordered_at < p.valid_to OR p.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_geography AS g
              WHERE
                _retired_at IS NULL AND geography_key > 0
            ) AS g
              ON g.country = c.country AND g.city = c.city
            WHERE
              i.is_current AND o.is_current AND NOT o.status IN ('cancelled', 'returned')
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.order_id = l_key.order_id AND q.order_line_number = l_key.order_line_number))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_3.date_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_customer' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('order_id', q.order_id, 'order_line_number', q.order_line_number),
            'gold.dim_customer',
            jsonb_build_object('customer_key', q._origin_0)
        FROM (
            SELECT
              i.order_id,
              i.order_line_number,
              "c"."_origin_0" AS _origin_0
            FROM silver.order_items AS i
            JOIN silver.orders AS o
              ON o.order_id = i.order_id
            LEFT JOIN gold.dim_date AS d
              ON d.full_date = CAST((
                o.ordered_at AT TIME ZONE 'UTC'
              ) AS DATE)
            LEFT JOIN (
              SELECT
                *,
                "c"."customer_key" AS _origin_0
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
              ON c.customer_id = o.customer_id
              AND o.ordered_at >= c.valid_from
              AND (
                o.ordered_at < c.valid_to OR c.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = i.product_id
              AND o.ordered_at >= p.valid_from
              AND (
                o.ordered_at < p.valid_to OR p.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_geography AS g
              WHERE
                _retired_at IS NULL AND geography_key > 0
            ) AS g
              ON g.country = c.country AND g.city = c.city
            WHERE
              i.is_current AND o.is_current AND NOT o.status IN ('cancelled', 'returned')
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.order_id = l_key.order_id AND q.order_line_number = l_key.order_line_number))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_4.customer_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_product' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('order_id', q.order_id, 'order_line_number', q.order_line_number),
            'gold.dim_product',
            jsonb_build_object('product_key', q._origin_0)
        FROM (
            SELECT
              i.order_id,
              i.order_line_number,
              "p"."_origin_0" AS _origin_0
            FROM silver.order_items AS i
            JOIN silver.orders AS o
              ON o.order_id = i.order_id
            LEFT JOIN gold.dim_date AS d
              ON d.full_date = CAST((
                o.ordered_at AT TIME ZONE 'UTC'
              ) AS DATE)
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
              ON c.customer_id = o.customer_id
              AND o.ordered_at >= c.valid_from
              AND (
                o.ordered_at < c.valid_to OR c.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *,
                "p"."product_key" AS _origin_0
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = i.product_id
              AND o.ordered_at >= p.valid_from
              AND (
                o.ordered_at < p.valid_to OR p.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_geography AS g
              WHERE
                _retired_at IS NULL AND geography_key > 0
            ) AS g
              ON g.country = c.country AND g.city = c.city
            WHERE
              i.is_current AND o.is_current AND NOT o.status IN ('cancelled', 'returned')
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.order_id = l_key.order_id AND q.order_line_number = l_key.order_line_number))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_5.product_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_geography' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('order_id', q.order_id, 'order_line_number', q.order_line_number),
            'gold.dim_geography',
            jsonb_build_object('geography_key', q._origin_0)
        FROM (
            SELECT
              i.order_id,
              i.order_line_number,
              "g"."_origin_0" AS _origin_0
            FROM silver.order_items AS i
            JOIN silver.orders AS o
              ON o.order_id = i.order_id
            LEFT JOIN gold.dim_date AS d
              ON d.full_date = CAST((
                o.ordered_at AT TIME ZONE 'UTC'
              ) AS DATE)
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
              ON c.customer_id = o.customer_id
              AND o.ordered_at >= c.valid_from
              AND (
                o.ordered_at < c.valid_to OR c.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = i.product_id
              AND o.ordered_at >= p.valid_from
              AND (
                o.ordered_at < p.valid_to OR p.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *,
                "g"."geography_key" AS _origin_0
              FROM gold.dim_geography AS g
              WHERE
                _retired_at IS NULL AND geography_key > 0
            ) AS g
              ON g.country = c.country AND g.city = c.city
            WHERE
              i.is_current AND o.is_current AND NOT o.status IN ('cancelled', 'returned')
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.order_id = l_key.order_id AND q.order_line_number = l_key.order_line_number))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_6.geography_key));
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
    'gold.fact_sales',
    'gold',
    'fact',
    'ecommerce',
    'Lines of orders that were neither cancelled nor returned, with customer and product as they were when it was
    ordered.',
     E'{"about": {"owner": "finance", "tags": ["finance", "sales"]}, "checks": [{"column": "customer_key", "key": "customer_key", "kind": "references", "max_unknown": "15%", "table": "gold.dim_customer"}, {"column": "product_key", "key": "product_key", "kind": "references", "max_unknown": "25%", "table": "gold.dim_product"}, {"column": "quantity", "high": 10000, "kind": "between", "low": 1}, {"kind": "reconciles", "name": "quantities", "other": "SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) WHERE i.is_current AND o.is_current AND o.status NOT IN (''cancelled'', ''returned'')", "own": "sum(quantity)", "within": 0}], "columns": [{"name": "order_id"}, {"name": "order_line_number"}, {"name": "customer_key"}, {"name": "product_key"}, {"name": "geography_key"}, {"name": "date_key"}, {"name": "quantity"}, {"name": "unit_price"}, {"name": "discount_amount"}, {"name": "tax_amount"}, {"name": "_silver_order_sk"}], "constraints": {"fact_sales_price_positive": "unit_price >= 0", "fact_sales_quantity_positive": "quantity > 0"}, "description": "Lines of orders that were neither cancelled nor returned, with customer and product as they were when it was\\nordered.", "dimensions": {"customer_key": {"key": "customer_key", "members": true, "table": "gold.dim_customer"}, "date_key": {"key": "date_key", "table": "gold.dim_date"}, "geography_key": {"key": "geography_key", "members": true, "table": "gold.dim_geography"}, "product_key": {"key": "product_key", "members": true, "table": "gold.dim_product"}}, "generated": [{"expression": "quantity * unit_price - discount_amount + tax_amount", "name": "line_total", "type": "numeric(12,2)"}], "grain": ["order_id", "order_line_number"], "indexes": {"fact_sales_covering_idx": {"columns": ["date_key"], "include": ["quantity", "line_total"]}, "fact_sales_customer_idx": {"columns": ["customer_key"]}, "fact_sales_date_brin_idx": {"columns": ["date_key"], "using": "brin"}, "fact_sales_date_customer_idx": {"columns": ["date_key", "customer_key"]}, "fact_sales_date_idx": {"columns": ["date_key"]}, "fact_sales_geography_idx": {"columns": ["geography_key"]}, "fact_sales_product_idx": {"columns": ["product_key"]}}, "kind": "fact", "layer": "gold", "name": "fact_sales", "origins": {"gold.dim_customer": ["customer_key"], "gold.dim_date": ["date_key"], "gold.dim_geography": ["geography_key"], "gold.dim_product": ["product_key"], "silver.order_items": ["order_id", "order_line_number", "valid_from"], "silver.orders": ["order_id", "valid_from"]}, "partition": {"column": "date_key", "every": "year"}, "query": "SELECT\\n    i.order_id,\\n    i.order_line_number,\\n    c.customer_key,\\n    p.product_key,\\n    g.geography_key,\\n    d.date_key,\\n    i.quantity,\\n    i.unit_price,\\n    i.discount AS discount_amount,\\n    i.tax AS tax_amount,\\n    o.order_sk AS _silver_order_sk\\nFROM silver.order_items AS i\\nJOIN silver.orders AS o ON o.order_id = i.order_id\\nLEFT JOIN gold.dim_date AS d ON d.full_date = (o.ordered_at AT TIME ZONE ''UTC'')::date\\nLEFT JOIN gold.dim_customer AS c\\n    ON c.customer_id = o.customer_id\\n    AND o.ordered_at >= c.valid_from AND (o.ordered_at < c.valid_to OR c.valid_to IS NULL)\\nLEFT JOIN gold.dim_product AS p\\n    ON p.product_id = i.product_id\\n    AND o.ordered_at >= p.valid_from AND (o.ordered_at < p.valid_to OR p.valid_to IS NULL)\\nLEFT JOIN gold.dim_geography AS g ON g.country = c.country AND g.city = c.city\\nWHERE i.is_current AND o.is_current AND o.status NOT IN (''cancelled'', ''returned'')", "required": ["quantity", "unit_price", "discount_amount", "tax_amount"], "routines": {"create_fact_partitions": "-- Makes the partitions of gold.fact_sales for some years; loads and maintenance make those that are needed by themselves.\\nCREATE PROCEDURE dwh_etl.create_fact_partitions(in_start_year integer, in_end_year integer)\\nLANGUAGE sql\\nAS $$\\n    SELECT dwh_etl.ensure_partitions(\\n        ''gold.fact_sales'', ARRAY(SELECT y::text FROM generate_series(in_start_year, in_end_year) AS y)\\n    );\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.create_fact_partitions(integer, integer) IS ''Makes the partitions of gold.fact_sales for some years'';\\n", "load_fact_sales": "-- Loads gold.fact_sales. Takes a day, for whoever calls it by its date, and the run''s id. Whatever changed is written, of\\n-- other days too: a late correction belongs to its own day.\\nCREATE PROCEDURE dwh_etl.load_fact_sales(in_date date DEFAULT NULL, in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.load_gold_fact_sales(in_batch_id);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.load_fact_sales(date, uuid) IS ''Loads gold.fact_sales'';\\n"}, "standing": {"gold.dim_customer": "customer_key", "gold.dim_geography": "geography_key", "gold.dim_product": "product_key"}, "surrogate": "sales_key"}'::jsonb,
    'gold.fact_sales',
    'dwh_etl.load_gold_fact_sales',
    'dwh_etl.rebuild_gold_fact_sales',
    'dwh_etl.origins_gold_fact_sales'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.fact_sales' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('gold.fact_sales', 'references_customer_key', 10001, 'customer_key', 'references', '{"column": "customer_key", "key": "customer_key", "kind": "references", "max_unknown": "15%", "table": "gold.dim_customer"}'::jsonb, '{} rows have a customer_key that leads nowhere in gold.dim_customer', '5edad8cc23af', false, 'fail', '15%', true, true),
    ('gold.fact_sales', 'references_product_key', 10002, 'product_key', 'references', '{"column": "product_key", "key": "product_key", "kind": "references", "max_unknown": "25%", "table": "gold.dim_product"}'::jsonb, '{} rows have a product_key that leads nowhere in gold.dim_product', 'c414f5769277', false, 'fail', '25%', true, true),
    ('gold.fact_sales', 'between_quantity', 10003, 'quantity', 'between', '{"column": "quantity", "high": 10000, "kind": "between", "low": 1}'::jsonb, '{} rows have a value of quantity outside of 1 to 10000', 'f8c55047233d', false, 'fail', '0', true, true),
    ('gold.fact_sales', 'reconciles_quantities', 10004, NULL, 'reconciles', '{"kind": "reconciles", "name": "quantities", "other": "SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) WHERE i.is_current AND o.is_current AND o.status NOT IN (''cancelled'', ''returned'')", "own": "sum(quantity)", "within": 0}'::jsonb, 'quantities: sum(quantity) is {} away from SELECT sum(i.quantity) FROM silver.order_items AS i JOIN silver.orders AS o USING (order_id) WHERE i.is_current AND o.is_current AND o.status NOT IN (''cancelled'', ''returned'')', '6e462f858229', false, 'fail', '0', true, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('gold.fact_sales', 'silver.order_items');
SELECT dwh_lineage.register_input('gold.fact_sales', 'silver.orders');
SELECT dwh_lineage.register_input('gold.fact_sales', 'gold.dim_date');
SELECT dwh_lineage.register_input('gold.fact_sales', 'gold.dim_customer');
SELECT dwh_lineage.register_input('gold.fact_sales', 'gold.dim_product');
SELECT dwh_lineage.register_input('gold.fact_sales', 'gold.dim_geography');
SELECT dwh_etl.read_images('gold.fact_sales', '{"gold.dim_customer": "standing", "gold.dim_date": "whole", "gold.dim_geography": "standing", "gold.dim_product": "standing", "silver.order_items": "whole", "silver.orders": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.fact_sales' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('silver.order_items', 'order_id', 'gold.fact_sales', 'order_id', 'i.order_id', 'DIRECT', true),
    ('silver.order_items', 'order_line_number', 'gold.fact_sales', 'order_line_number', 'i.order_line_number', 'DIRECT', true),
    ('gold.dim_customer', 'customer_key', 'gold.fact_sales', 'customer_key', 'c.customer_key', 'DIRECT', false),
    ('gold.dim_product', 'product_key', 'gold.fact_sales', 'product_key', 'p.product_key', 'DIRECT', false),
    ('gold.dim_geography', 'geography_key', 'gold.fact_sales', 'geography_key', 'g.geography_key', 'DIRECT', false),
    ('gold.dim_date', 'date_key', 'gold.fact_sales', 'date_key', 'd.date_key', 'DIRECT', false),
    ('silver.order_items', 'quantity', 'gold.fact_sales', 'quantity', 'i.quantity', 'DIRECT', false),
    ('silver.order_items', 'unit_price', 'gold.fact_sales', 'unit_price', 'i.unit_price', 'DIRECT', false),
    ('silver.order_items', 'discount', 'gold.fact_sales', 'discount_amount', 'i.discount', 'DIRECT', false),
    ('silver.order_items', 'tax', 'gold.fact_sales', 'tax_amount', 'i.tax', 'DIRECT', false),
    ('silver.orders', 'order_sk', 'gold.fact_sales', '_silver_order_sk', 'o.order_sk', 'DIRECT', false),
    ('silver.order_items', 'quantity', 'gold.fact_sales', 'line_total', 'quantity * unit_price - discount_amount + tax_amount', 'DIRECT', false),
    ('silver.order_items', 'unit_price', 'gold.fact_sales', 'line_total', 'quantity * unit_price - discount_amount + tax_amount', 'DIRECT', false),
    ('silver.order_items', 'discount', 'gold.fact_sales', 'line_total', 'quantity * unit_price - discount_amount + tax_amount', 'DIRECT', false),
    ('silver.order_items', 'tax', 'gold.fact_sales', 'line_total', 'quantity * unit_price - discount_amount + tax_amount', 'DIRECT', false);

SELECT dwh_etl.ensure_partitions('gold.fact_sales', '{}');
SELECT dwh_etl.ensure_images('gold.fact_sales');

-- Loads gold.fact_sales. Takes a day, for whoever calls it by its date, and the run's id. Whatever changed is written, of
-- other days too: a late correction belongs to its own day.
CREATE PROCEDURE dwh_etl.load_fact_sales(in_date date DEFAULT NULL, in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_gold_fact_sales(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.load_fact_sales(date, uuid) IS 'Loads gold.fact_sales';

-- Makes the partitions of gold.fact_sales for some years; loads and maintenance make those that are needed by themselves.
CREATE PROCEDURE dwh_etl.create_fact_partitions(in_start_year integer, in_end_year integer)
LANGUAGE sql
AS $$
    SELECT dwh_etl.ensure_partitions(
        'gold.fact_sales', ARRAY(SELECT y::text FROM generate_series(in_start_year, in_end_year) AS y)
    );
$$;
COMMENT ON PROCEDURE dwh_etl.create_fact_partitions(integer, integer) IS 'Makes the partitions of gold.fact_sales for some years';
