CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT DISTINCT ON (l.stock_code)
    l.stock_code,
    l.description
FROM silver.invoice_lines AS l
-- Of several descriptions at one moment the first by name: the same, whatever the order of the files.
ORDER BY l.stock_code, (l.description IS NULL), l.invoiced_at DESC, l.description
) AS q
WITH NO DATA;
CREATE TABLE gold.retail_dim_product (
    product_key bigint GENERATED ALWAYS AS IDENTITY,
    LIKE dwh_staging.shape,
    _retired_at timestamptz,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_key)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.retail_dim_product
    ALTER COLUMN stock_code SET NOT NULL;
COMMENT ON TABLE gold.retail_dim_product IS 'Articles that were sold, under their latest description.';
CREATE UNIQUE INDEX retail_dim_product_key ON gold.retail_dim_product (stock_code) WHERE product_key > 0;


-- Computes gold.retail_dim_product in full, because it has DISTINCT ON, and writes what differs. Takes the run's
-- id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_retail_dim_product(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.retail_dim_product');
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.retail_dim_product', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    DROP TABLE IF EXISTS pg_temp.computed;
    CREATE TEMP TABLE computed ON COMMIT DROP AS
    SELECT DISTINCT ON (l.stock_code)
        l.stock_code,
        l.description
    FROM silver.invoice_lines AS l
    -- Of several descriptions at one moment the first by name: the same, whatever the order of the files.
    ORDER BY l.stock_code, (l.description IS NULL), l.invoiced_at DESC, l.description;
    RAISE NOTICE '%', 'gold.retail_dim_product' || ': ' || dwh_etl.way_of_load('it has DISTINCT ON', NULL);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.retail_dim_product');
    ANALYZE pg_temp.computed;
    PERFORM dwh_etl.ensure_unknown_member('gold.retail_dim_product');

    UPDATE gold.retail_dim_product AS g
    SET _retired_at = now(), _batch_id = l_batch_id, _loaded_at = now()
    WHERE g._retired_at IS NULL AND g.product_key > 0 AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.stock_code = g.stock_code);
    GET DIAGNOSTICS l_deleted = ROW_COUNT;

    UPDATE gold.retail_dim_product AS g
    SET description = c.description, _retired_at = NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.stock_code = c.stock_code AND g.product_key > 0 AND (ROW(g.description) IS DISTINCT FROM ROW(c.description) OR g._retired_at IS NOT NULL);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.retail_dim_product (stock_code, description, _batch_id)
    SELECT c.stock_code, c.description, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.retail_dim_product AS g WHERE g.stock_code = c.stock_code AND g.product_key > 0
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    PERFORM dwh_etl.purge_retired('gold.retail_dim_product');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.retail_dim_product' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform',
        jsonb_build_object('silver.invoice_lines', (SELECT count(*) FROM silver.invoice_lines)),
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load('it has DISTINCT ON', NULL)
    );
END
$routine$;

-- Computes gold.retail_dim_product although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_retail_dim_product(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.retail_dim_product';
    CALL dwh_etl.load_gold_retail_dim_product(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.retail_dim_product is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_retail_dim_product(
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
    l_key gold.retail_dim_product%ROWTYPE := jsonb_populate_record(NULL::gold.retail_dim_product, in_key);
    l_source_1 silver.invoice_lines%ROWTYPE := jsonb_populate_record(
        NULL::silver.invoice_lines, CASE WHEN in_source = 'silver.invoice_lines' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'silver.invoice_lines' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('stock_code', q.stock_code),
            'silver.invoice_lines',
            jsonb_build_object('_source_bronze_id', q._origin_0)
        FROM (
            SELECT DISTINCT ON (l.stock_code)
              l.stock_code,
              l.description,
              "l"."_source_bronze_id" AS _origin_0
            FROM silver.invoice_lines AS l
            /* Of several descriptions at one moment the first by name: the same, whatever the order of the files. */
            ORDER BY
              l.stock_code,
              (
                l.description IS NULL
              ),
              l.invoiced_at DESC,
              l.description
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.stock_code = l_key.stock_code))
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
    'gold.retail_dim_product',
    'gold',
    'dimension',
    'retail',
    'Articles that were sold, under their latest description.',
     E'{"columns": [{"name": "stock_code"}, {"name": "description"}], "description": "Articles that were sold, under their latest description.", "grain": ["stock_code"], "kind": "dimension", "layer": "gold", "name": "retail_dim_product", "origins": {"silver.invoice_lines": ["_source_bronze_id"]}, "query": "SELECT DISTINCT ON (l.stock_code)\\n    l.stock_code,\\n    l.description\\nFROM silver.invoice_lines AS l\\n-- Of several descriptions at one moment the first by name: the same, whatever the order of the files.\\nORDER BY l.stock_code, (l.description IS NULL), l.invoiced_at DESC, l.description", "surrogate": "product_key"}'::jsonb,
    'gold.retail_dim_product',
    'dwh_etl.load_gold_retail_dim_product',
    'dwh_etl.rebuild_gold_retail_dim_product',
    'dwh_etl.origins_gold_retail_dim_product'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.retail_dim_product' AND active;

SELECT dwh_lineage.register_input('gold.retail_dim_product', 'silver.invoice_lines');
SELECT dwh_etl.read_images('gold.retail_dim_product', '{}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.retail_dim_product' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('silver.invoice_lines', 'stock_code', 'gold.retail_dim_product', 'stock_code', 'l.stock_code', 'DIRECT', true),
    ('silver.invoice_lines', 'description', 'gold.retail_dim_product', 'description', 'l.description', 'DIRECT', false);

SELECT dwh_etl.ensure_unknown_member('gold.retail_dim_product');
SELECT dwh_etl.ensure_images('gold.retail_dim_product');
