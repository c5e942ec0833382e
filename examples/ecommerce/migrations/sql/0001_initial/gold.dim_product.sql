CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    p.product_id,
    p.name AS product_name,
    p.category AS product_category,
    p.price,
    CASE WHEN p.price < 20 THEN 'low' WHEN p.price < 60 THEN 'middle' ELSE 'high' END AS price_band,
    p.valid_from,
    p.valid_to,
    p.is_current,
    p.product_sk AS _silver_sk
FROM silver.products AS p
) AS q
WITH NO DATA;
CREATE TABLE gold.dim_product (
    product_key bigint GENERATED ALWAYS AS IDENTITY,
    LIKE dwh_staging.shape,
    _retired_at timestamptz,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_key)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.dim_product
    ALTER COLUMN product_id SET NOT NULL,
    ALTER COLUMN valid_from SET NOT NULL,
    ALTER COLUMN product_name SET NOT NULL,
    ALTER COLUMN product_category SET NOT NULL,
    ALTER COLUMN is_current SET NOT NULL;
COMMENT ON TABLE gold.dim_product IS 'Products, with a row for each period of the same name, category and price.';
CREATE UNIQUE INDEX dim_product_key ON gold.dim_product (product_id, valid_from) WHERE product_key > 0;
CREATE UNIQUE INDEX gold_dim_product_bk ON gold.dim_product (product_id) WHERE is_current AND product_key > 0;
CREATE INDEX dim_product_category_idx ON gold.dim_product (product_category) WHERE is_current;


-- Computes gold.dim_product for the keys that changes of its inputs touch, or in full where these are many and
-- writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_dim_product(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.dim_product');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.dim_product', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.dim_product', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT category, is_current, name, price, product_id, product_sk, valid_from, valid_to, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_products
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY category, is_current, name, price, product_id, product_sk, valid_from, valid_to
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('silver.products', coalesce((l_read ->> 'silver.products')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.products', l_delta_1, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.product_id, g.valid_from FROM gold.dim_product AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (product_id, valid_from)
            SELECT "p"."product_id" AS product_id, "p"."valid_from" AS valid_from FROM pg_temp.delta_1 AS p;
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.product_id IS NULL OR c.valid_from IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.product_id, c.valid_from FROM pg_temp.candidates AS c WHERE c.product_id IS NOT NULL AND c.valid_from IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.dim_product', l_keys, 'keys'),
            dwh_etl.why_costly('gold.dim_product', l_keys,  E'[["silver.products", "silver.products AS p WHERE (\\"p\\".\\"product_id\\", \\"p\\".\\"valid_from\\") IN (SELECT product_id, valid_from FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.product_id,
            q.product_name,
            q.product_category,
            q.price,
            q.price_band,
            q.valid_from,
            q.valid_to,
            q.is_current,
            q._silver_sk
        FROM (
        SELECT
            p.product_id,
            p.name AS product_name,
            p.category AS product_category,
            p.price,
            CASE WHEN p.price < 20 THEN 'low' WHEN p.price < 60 THEN 'middle' ELSE 'high' END AS price_band,
            p.valid_from,
            p.valid_to,
            p.is_current,
            p.product_sk AS _silver_sk
        FROM (SELECT * FROM silver.products AS p WHERE ("p"."product_id", "p"."valid_from") IN (SELECT product_id, valid_from FROM pg_temp.touched)) AS p
        ) AS q
        WHERE (q.product_id, q.valid_from) IN (SELECT t.product_id, t.valid_from FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.product_id,
                q.product_name,
                q.product_category,
                q.price,
                q.price_band,
                q.valid_from,
                q.valid_to,
                q.is_current,
                q._silver_sk
            FROM (
        SELECT
            p.product_id,
            p.name AS product_name,
            p.category AS product_category,
            p.price,
            CASE WHEN p.price < 20 THEN 'low' WHEN p.price < 60 THEN 'middle' ELSE 'high' END AS price_band,
            p.valid_from,
            p.valid_to,
            p.is_current,
            p.product_sk AS _silver_sk
        FROM silver.products AS p
            ) AS q
            WHERE q.product_id IS NULL OR q.valid_from IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            p.product_id,
            p.name AS product_name,
            p.category AS product_category,
            p.price,
            CASE WHEN p.price < 20 THEN 'low' WHEN p.price < 60 THEN 'middle' ELSE 'high' END AS price_band,
            p.valid_from,
            p.valid_to,
            p.is_current,
            p.product_sk AS _silver_sk
        FROM silver.products AS p;
        l_read := jsonb_build_object('silver.products', (SELECT count(*) FROM silver.products));
    END IF;
    RAISE NOTICE '%', 'gold.dim_product' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.dim_product');
    ANALYZE pg_temp.computed;
    PERFORM dwh_etl.ensure_unknown_member('gold.dim_product');

    IF l_full IS NULL THEN
        UPDATE gold.dim_product AS g
        SET _retired_at = now(), is_current = false, _batch_id = l_batch_id, _loaded_at = now()
        WHERE g._retired_at IS NULL AND g.product_key > 0 AND EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.product_id = g.product_id AND t.valid_from = g.valid_from)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.product_id = g.product_id AND c.valid_from = g.valid_from);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        UPDATE gold.dim_product AS g
        SET _retired_at = now(), is_current = false, _batch_id = l_batch_id, _loaded_at = now()
        WHERE g._retired_at IS NULL AND g.product_key > 0 AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.product_id = g.product_id AND c.valid_from = g.valid_from);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.dim_product AS g
    SET product_name = c.product_name, product_category = c.product_category, price = c.price, price_band = c.price_band, valid_to = c.valid_to, is_current = c.is_current, _silver_sk = c._silver_sk, _retired_at = NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.product_id = c.product_id AND g.valid_from = c.valid_from AND g.product_key > 0 AND (ROW(g.product_name, g.product_category, g.price, g.price_band, g.valid_to, g.is_current, g._silver_sk) IS DISTINCT FROM ROW(c.product_name, c.product_category, c.price, c.price_band, c.valid_to, c.is_current, c._silver_sk) OR g._retired_at IS NOT NULL);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.dim_product (product_id, product_name, product_category, price, price_band, valid_from, valid_to, is_current, _silver_sk, _batch_id)
    SELECT c.product_id, c.product_name, c.product_category, c.price, c.price_band, c.valid_from, c.valid_to, c.is_current, c._silver_sk, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.dim_product AS g WHERE g.product_id = c.product_id AND g.valid_from = c.valid_from AND g.product_key > 0
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    CALL dwh_etl.ensure_constraints('gold.dim_product');
    PERFORM dwh_etl.purge_retired('gold.dim_product');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.dim_product' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.dim_product although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_dim_product(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.dim_product';
    CALL dwh_etl.load_gold_dim_product(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.dim_product is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_dim_product(
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
    l_key gold.dim_product%ROWTYPE := jsonb_populate_record(NULL::gold.dim_product, in_key);
    l_source_1 silver.products%ROWTYPE := jsonb_populate_record(
        NULL::silver.products, CASE WHEN in_source = 'silver.products' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'silver.products' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('product_id', q.product_id, 'valid_from', q.valid_from),
            'silver.products',
            jsonb_build_object('product_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              p.product_id,
              p.valid_from,
              "p"."product_id" AS _origin_0,
              "p"."valid_from" AS _origin_1
            FROM silver.products AS p
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.product_id = l_key.product_id AND q.valid_from = l_key.valid_from))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.product_id AND q._origin_1 = l_source_1.valid_from));
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
    'gold.dim_product',
    'gold',
    'dimension',
    'ecommerce',
    'Products, with a row for each period of the same name, category and price.',
     E'{"columns": [{"name": "product_id"}, {"name": "product_name"}, {"name": "product_category"}, {"name": "price"}, {"name": "price_band"}, {"name": "valid_from"}, {"name": "valid_to"}, {"name": "is_current"}, {"name": "_silver_sk"}], "description": "Products, with a row for each period of the same name, category and price.", "grain": ["product_id", "valid_from"], "indexes": {"dim_product_category_idx": {"columns": ["product_category"], "where": "is_current"}}, "kind": "dimension", "layer": "gold", "name": "dim_product", "origins": {"silver.products": ["product_id", "valid_from"]}, "query": "SELECT\\n    p.product_id,\\n    p.name AS product_name,\\n    p.category AS product_category,\\n    p.price,\\n    CASE WHEN p.price < 20 THEN ''low'' WHEN p.price < 60 THEN ''middle'' ELSE ''high'' END AS price_band,\\n    p.valid_from,\\n    p.valid_to,\\n    p.is_current,\\n    p.product_sk AS _silver_sk\\nFROM silver.products AS p", "required": ["product_name", "product_category", "is_current"], "surrogate": "product_key"}'::jsonb,
    'gold.dim_product',
    'dwh_etl.load_gold_dim_product',
    'dwh_etl.rebuild_gold_dim_product',
    'dwh_etl.origins_gold_dim_product'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.dim_product' AND active;

SELECT dwh_lineage.register_input('gold.dim_product', 'silver.products');
SELECT dwh_etl.read_images('gold.dim_product', '{"silver.products": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.dim_product' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('silver.products', 'product_id', 'gold.dim_product', 'product_id', 'p.product_id', 'DIRECT', true),
    ('silver.products', 'name', 'gold.dim_product', 'product_name', 'p.name', 'DIRECT', false),
    ('silver.products', 'category', 'gold.dim_product', 'product_category', 'p.category', 'DIRECT', false),
    ('silver.products', 'price', 'gold.dim_product', 'price', 'p.price', 'DIRECT', false),
    ('silver.products', 'price', 'gold.dim_product', 'price_band', 'CASE WHEN p.price < 20 THEN ''low'' WHEN p.price < 60 THEN ''middle'' ELSE ''high'' END', 'DIRECT', false),
    ('silver.products', 'valid_from', 'gold.dim_product', 'valid_from', 'p.valid_from', 'DIRECT', true),
    ('silver.products', 'valid_to', 'gold.dim_product', 'valid_to', 'p.valid_to', 'DIRECT', false),
    ('silver.products', 'is_current', 'gold.dim_product', 'is_current', 'p.is_current', 'DIRECT', false),
    ('silver.products', 'product_sk', 'gold.dim_product', '_silver_sk', 'p.product_sk', 'DIRECT', false);

SELECT dwh_etl.ensure_unknown_member('gold.dim_product');
SELECT dwh_etl.ensure_images('gold.dim_product');
