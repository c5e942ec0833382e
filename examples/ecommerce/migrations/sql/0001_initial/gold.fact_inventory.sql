CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    d.date_key,
    s.product_id,
    p.product_key,
    s.on_hand,
    s.reserved,
    s.on_hand - s.reserved AS available,
    (s.on_hand * p.price)::numeric(14, 2) AS stock_value
FROM gold.dim_date AS d
JOIN silver.stock AS s
    ON s.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE 'UTC'
    AND (s.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE 'UTC' OR s.valid_to IS NULL)
LEFT JOIN gold.dim_product AS p
    ON p.product_id = s.product_id
    AND p.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE 'UTC'
    AND (p.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE 'UTC' OR p.valid_to IS NULL)
-- Up to the last day of which something is known.
WHERE d.full_date <= (SELECT max(k.valid_from AT TIME ZONE 'UTC')::date FROM silver.stock AS k)
    AND d.full_date >= (SELECT min(k.valid_from AT TIME ZONE 'UTC')::date FROM silver.stock AS k)
) AS q
WITH NO DATA;
CREATE TABLE gold.fact_inventory (
    LIKE dwh_staging.shape,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (date_key, product_id)
) PARTITION BY RANGE (date_key);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.fact_inventory
    ALTER COLUMN date_key SET NOT NULL,
    ALTER COLUMN product_id SET NOT NULL,
    ALTER COLUMN product_key SET NOT NULL;
COMMENT ON TABLE gold.fact_inventory IS 'What lay in the storehouse at the end of each day.';
CREATE INDEX fact_inventory_product_idx ON gold.fact_inventory (product_key);


-- Computes gold.fact_inventory in full, because it has a subquery in an expression (EXISTS, IN or a value), and
-- writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_fact_inventory(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.fact_inventory');
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.fact_inventory', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    DROP TABLE IF EXISTS pg_temp.computed;
    CREATE TEMP TABLE computed ON COMMIT DROP AS
    SELECT
        coalesce(q.date_key, -1) AS date_key,
        q.product_id,
        coalesce(q.product_key, -1) AS product_key,
        q.on_hand,
        q.reserved,
        q.available,
        q.stock_value
    FROM (
    SELECT
        d.date_key,
        s.product_id,
        p.product_key,
        s.on_hand,
        s.reserved,
        s.on_hand - s.reserved AS available,
        (s.on_hand * p.price)::numeric(14, 2) AS stock_value
    FROM gold.dim_date AS d
    JOIN silver.stock AS s
        ON s.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE 'UTC'
        AND (s.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE 'UTC' OR s.valid_to IS NULL)
    LEFT JOIN (SELECT * FROM gold.dim_product AS p WHERE _retired_at IS NULL AND product_key > 0) AS p
        ON p.product_id = s.product_id
        AND p.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE 'UTC'
        AND (p.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE 'UTC' OR p.valid_to IS NULL)
    -- Up to the last day of which something is known.
    WHERE d.full_date <= (SELECT max(k.valid_from AT TIME ZONE 'UTC')::date FROM silver.stock AS k)
        AND d.full_date >= (SELECT min(k.valid_from AT TIME ZONE 'UTC')::date FROM silver.stock AS k)
    ) AS q;
    RAISE NOTICE '%', 'gold.fact_inventory' || ': ' || dwh_etl.way_of_load('it has a subquery in an expression (EXISTS, IN or a value)', NULL);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.fact_inventory');
    ANALYZE pg_temp.computed;
    DROP TABLE IF EXISTS pg_temp.measured;
    CREATE TEMP TABLE measured ON COMMIT DROP AS
    SELECT * FROM (
    SELECT 'between_on_hand', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
    FROM (
        SELECT count(*) FILTER (WHERE r.on_hand < 0 OR r.on_hand > 1000000), NULL, NULL, count(*), NULL::jsonb FROM (SELECT c.* FROM pg_temp.computed AS c) AS r
    ) AS m (value, low, high, total, details)
    ) AS m (name, value, low, high, total, details);
    PERFORM dwh_etl.require_checks('gold.fact_inventory', l_load.taken);
    PERFORM dwh_etl.record_checks('gold.fact_inventory', l_batch_id);
    PERFORM dwh_etl.ensure_partitions('gold.fact_inventory', ARRAY(
        SELECT DISTINCT left(replace(c.date_key::text, '-', ''), 6) FROM pg_temp.computed AS c WHERE c.date_key::text NOT LIKE '-%'
    ));

    DELETE FROM gold.fact_inventory AS g
    WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.date_key = g.date_key AND c.product_id = g.product_id);
    GET DIAGNOSTICS l_deleted = ROW_COUNT;

    UPDATE gold.fact_inventory AS g
    SET product_key = c.product_key, on_hand = c.on_hand, reserved = c.reserved, available = c.available, stock_value = c.stock_value, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.date_key = c.date_key AND g.product_id = c.product_id AND ROW(g.product_key, g.on_hand, g.reserved, g.available, g.stock_value) IS DISTINCT FROM ROW(c.product_key, c.on_hand, c.reserved, c.available, c.stock_value);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.fact_inventory (date_key, product_id, product_key, on_hand, reserved, available, stock_value, _batch_id)
    SELECT c.date_key, c.product_id, c.product_key, c.on_hand, c.reserved, c.available, c.stock_value, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.fact_inventory AS g WHERE g.date_key = c.date_key AND g.product_id = c.product_id
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    CALL dwh_etl.ensure_constraints('gold.fact_inventory');
    PERFORM dwh_etl.purge_retired('gold.dim_product');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.fact_inventory' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform',
        jsonb_build_object('gold.dim_date', (SELECT count(*) FROM gold.dim_date), 'silver.stock', (SELECT count(*) FROM silver.stock), 'gold.dim_product', (SELECT count(*) FROM gold.dim_product)),
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load('it has a subquery in an expression (EXISTS, IN or a value)', NULL)
    );
END
$routine$;

-- Computes gold.fact_inventory although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_fact_inventory(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.fact_inventory';
    CALL dwh_etl.load_gold_fact_inventory(in_batch_id);
END
$routine$;

-- What the checks of gold.fact_inventory measure on its rows as they stand. in_read: how many rows a load has read,
-- in_taken: which batches it takes; without them what is about a load measures nothing. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.checks_gold_fact_inventory(
    in_read bigint DEFAULT NULL, in_taken bigint[] DEFAULT NULL
)
RETURNS TABLE (name text, value numeric, low numeric, high numeric, total numeric, details jsonb)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
SELECT 'between_on_hand', m.value::numeric, m.low::numeric, m.high::numeric, m.total::numeric, m.details
FROM (
    SELECT count(*) FILTER (WHERE r.on_hand < 0 OR r.on_hand > 1000000), NULL, NULL, count(*), NULL::jsonb FROM (SELECT s.* FROM gold.fact_inventory AS s) AS r
) AS m (value, low, high, total, details)
$routine$;

-- Which rows of its inputs each row of gold.fact_inventory is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_fact_inventory(
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
    l_key gold.fact_inventory%ROWTYPE := jsonb_populate_record(NULL::gold.fact_inventory, in_key);
    l_source_1 gold.dim_date%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_date, CASE WHEN in_source = 'gold.dim_date' THEN in_source_key END
    );
    l_source_2 silver.stock%ROWTYPE := jsonb_populate_record(
        NULL::silver.stock, CASE WHEN in_source = 'silver.stock' THEN in_source_key END
    );
    l_source_3 gold.dim_product%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_product, CASE WHEN in_source = 'gold.dim_product' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'gold.dim_date' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('date_key', coalesce(q.date_key, -1), 'product_id', q.product_id),
            'gold.dim_date',
            jsonb_build_object('date_key', q._origin_0)
        FROM (
            SELECT
              d.date_key,
              s.product_id,
              "d"."date_key" AS _origin_0
            FROM gold.dim_date AS d
            JOIN silver.stock AS s
              ON s.valid_from < CAST((
                d.full_date + 1
              ) AS TIMESTAMP) AT TIME ZONE 'UTC'
              AND (
                s.valid_to >= CAST((
                  d.full_date + 1
                ) AS TIMESTAMP) AT TIME ZONE 'UTC'
                OR s.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = s.product_id
              AND p.valid_from < CAST((
                d.full_date + 1
              ) AS TIMESTAMP) AT TIME ZONE 'UTC'
              AND (
                p.valid_to >= CAST((
                  d.full_date + 1
                ) AS TIMESTAMP) AT TIME ZONE 'UTC'
                OR p.valid_to IS NULL
              )
            /* Up to the last day of which something is known. */
            WHERE
              d.full_date <= (
                SELECT
                  CAST(MAX(k.valid_from AT TIME ZONE 'UTC') AS DATE)
                FROM silver.stock AS k
              )
              AND d.full_date >= (
                SELECT
                  CAST(MIN(k.valid_from AT TIME ZONE 'UTC') AS DATE)
                FROM silver.stock AS k
              )
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR ((q.date_key = l_key.date_key OR (q.date_key IS NULL AND l_key.date_key = -1)) AND q.product_id = l_key.product_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.date_key));
    END IF;
    IF in_source IS NULL OR in_source = 'silver.stock' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('date_key', coalesce(q.date_key, -1), 'product_id', q.product_id),
            'silver.stock',
            jsonb_build_object('product_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              d.date_key,
              s.product_id,
              "s"."product_id" AS _origin_0,
              "s"."valid_from" AS _origin_1
            FROM gold.dim_date AS d
            JOIN silver.stock AS s
              ON s.valid_from < CAST((
                d.full_date + 1
              ) AS TIMESTAMP) AT TIME ZONE 'UTC'
              AND (
                s.valid_to >= CAST((
                  d.full_date + 1
                ) AS TIMESTAMP) AT TIME ZONE 'UTC'
                OR s.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = s.product_id
              AND p.valid_from < CAST((
                d.full_date + 1
              ) AS TIMESTAMP) AT TIME ZONE 'UTC'
              AND (
                p.valid_to >= CAST((
                  d.full_date + 1
                ) AS TIMESTAMP) AT TIME ZONE 'UTC'
                OR p.valid_to IS NULL
              )
            /* Up to the last day of which something is known. */
            WHERE
              d.full_date <= (
                SELECT
                  CAST(MAX(k.valid_from AT TIME ZONE 'UTC') AS DATE)
                FROM silver.stock AS k
              )
              AND d.full_date >= (
                SELECT
                  CAST(MIN(k.valid_from AT TIME ZONE 'UTC') AS DATE)
                FROM silver.stock AS k
              )
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR ((q.date_key = l_key.date_key OR (q.date_key IS NULL AND l_key.date_key = -1)) AND q.product_id = l_key.product_id))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.product_id AND q._origin_1 = l_source_2.valid_from));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.dim_product' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('date_key', coalesce(q.date_key, -1), 'product_id', q.product_id),
            'gold.dim_product',
            jsonb_build_object('product_key', q._origin_0)
        FROM (
            SELECT
              d.date_key,
              s.product_id,
              "p"."_origin_0" AS _origin_0
            FROM gold.dim_date AS d
            JOIN silver.stock AS s
              ON s.valid_from < CAST((
                d.full_date + 1
              ) AS TIMESTAMP) AT TIME ZONE 'UTC'
              AND (
                s.valid_to >= CAST((
                  d.full_date + 1
                ) AS TIMESTAMP) AT TIME ZONE 'UTC'
                OR s.valid_to IS NULL
              )
            LEFT JOIN (
              SELECT
                *,
                "p"."product_key" AS _origin_0
              FROM gold.dim_product AS p
              WHERE
                _retired_at IS NULL AND product_key > 0
            ) AS p
              ON p.product_id = s.product_id
              AND p.valid_from < CAST((
                d.full_date + 1
              ) AS TIMESTAMP) AT TIME ZONE 'UTC'
              AND (
                p.valid_to >= CAST((
                  d.full_date + 1
                ) AS TIMESTAMP) AT TIME ZONE 'UTC'
                OR p.valid_to IS NULL
              )
            /* Up to the last day of which something is known. */
            WHERE
              d.full_date <= (
                SELECT
                  CAST(MAX(k.valid_from AT TIME ZONE 'UTC') AS DATE)
                FROM silver.stock AS k
              )
              AND d.full_date >= (
                SELECT
                  CAST(MIN(k.valid_from AT TIME ZONE 'UTC') AS DATE)
                FROM silver.stock AS k
              )
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR ((q.date_key = l_key.date_key OR (q.date_key IS NULL AND l_key.date_key = -1)) AND q.product_id = l_key.product_id))
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
    'gold.fact_inventory',
    'gold',
    'snapshot',
    'ecommerce',
    'What lay in the storehouse at the end of each day.',
     E'{"checks": [{"column": "on_hand", "high": 1000000, "kind": "between", "low": 0}], "columns": [{"name": "date_key"}, {"name": "product_id"}, {"name": "product_key"}, {"name": "on_hand"}, {"name": "reserved"}, {"name": "available"}, {"name": "stock_value"}], "description": "What lay in the storehouse at the end of each day.", "dimensions": {"date_key": {"key": "date_key", "table": "gold.dim_date"}, "product_key": {"key": "product_key", "members": true, "table": "gold.dim_product"}}, "grain": ["date_key", "product_id"], "indexes": {"fact_inventory_product_idx": {"columns": ["product_key"]}}, "kind": "snapshot", "layer": "gold", "name": "fact_inventory", "origins": {"gold.dim_date": ["date_key"], "gold.dim_product": ["product_key"], "silver.stock": ["product_id", "valid_from"]}, "partition": {"column": "date_key", "every": "month"}, "query": "SELECT\\n    d.date_key,\\n    s.product_id,\\n    p.product_key,\\n    s.on_hand,\\n    s.reserved,\\n    s.on_hand - s.reserved AS available,\\n    (s.on_hand * p.price)::numeric(14, 2) AS stock_value\\nFROM gold.dim_date AS d\\nJOIN silver.stock AS s\\n    ON s.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE ''UTC''\\n    AND (s.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE ''UTC'' OR s.valid_to IS NULL)\\nLEFT JOIN gold.dim_product AS p\\n    ON p.product_id = s.product_id\\n    AND p.valid_from < (d.full_date + 1)::timestamp AT TIME ZONE ''UTC''\\n    AND (p.valid_to >= (d.full_date + 1)::timestamp AT TIME ZONE ''UTC'' OR p.valid_to IS NULL)\\n-- Up to the last day of which something is known.\\nWHERE d.full_date <= (SELECT max(k.valid_from AT TIME ZONE ''UTC'')::date FROM silver.stock AS k)\\n    AND d.full_date >= (SELECT min(k.valid_from AT TIME ZONE ''UTC'')::date FROM silver.stock AS k)", "standing": {"gold.dim_product": "product_key"}}'::jsonb,
    'gold.fact_inventory',
    'dwh_etl.load_gold_fact_inventory',
    'dwh_etl.rebuild_gold_fact_inventory',
    'dwh_etl.origins_gold_fact_inventory'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.fact_inventory' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('gold.fact_inventory', 'between_on_hand', 10001, 'on_hand', 'between', '{"column": "on_hand", "high": 1000000, "kind": "between", "low": 0}'::jsonb, '{} rows have a value of on_hand outside of 0 to 1000000', '492ec41b7808', false, 'fail', '0', true, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('gold.fact_inventory', 'gold.dim_date');
SELECT dwh_lineage.register_input('gold.fact_inventory', 'silver.stock');
SELECT dwh_lineage.register_input('gold.fact_inventory', 'gold.dim_product');
SELECT dwh_etl.read_images('gold.fact_inventory', '{}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.fact_inventory' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('gold.dim_date', 'date_key', 'gold.fact_inventory', 'date_key', 'd.date_key', 'DIRECT', true),
    ('silver.stock', 'product_id', 'gold.fact_inventory', 'product_id', 's.product_id', 'DIRECT', true),
    ('gold.dim_product', 'product_key', 'gold.fact_inventory', 'product_key', 'p.product_key', 'DIRECT', false),
    ('silver.stock', 'on_hand', 'gold.fact_inventory', 'on_hand', 's.on_hand', 'DIRECT', false),
    ('silver.stock', 'reserved', 'gold.fact_inventory', 'reserved', 's.reserved', 'DIRECT', false),
    ('silver.stock', 'on_hand', 'gold.fact_inventory', 'available', 's.on_hand - s.reserved', 'DIRECT', false),
    ('silver.stock', 'reserved', 'gold.fact_inventory', 'available', 's.on_hand - s.reserved', 'DIRECT', false),
    ('gold.dim_product', 'price', 'gold.fact_inventory', 'stock_value', 'CAST((s.on_hand * p.price) AS DECIMAL(14, 2))', 'DIRECT', false),
    ('silver.stock', 'on_hand', 'gold.fact_inventory', 'stock_value', 'CAST((s.on_hand * p.price) AS DECIMAL(14, 2))', 'DIRECT', false);

SELECT dwh_etl.ensure_partitions('gold.fact_inventory', '{}');
SELECT dwh_etl.ensure_images('gold.fact_inventory');
