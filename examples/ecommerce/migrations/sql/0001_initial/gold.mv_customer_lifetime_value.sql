CREATE MATERIALIZED VIEW gold.mv_customer_lifetime_value AS
SELECT
    c.customer_key,
    c.customer_id,
    c.email,
    c.name,
    c.customer_segment,
    coalesce(l.total_orders, 0) AS total_orders,
    coalesce(l.lifetime_value, 0) AS lifetime_value,
    l.avg_order_value,
    l.first_order_date,
    l.last_order_date,
    l.last_order_date - l.first_order_date AS customer_tenure_days
FROM (SELECT * FROM gold.dim_customer AS c WHERE _retired_at IS NULL AND customer_key > 0) AS c
-- By the customer, not by the version: what somebody bought under an old address counts too.
LEFT JOIN gold.agg_customer_ltv AS l ON l.customer_id = c.customer_id
WHERE c.is_current;
COMMENT ON MATERIALIZED VIEW gold.mv_customer_lifetime_value IS 'Present customers with what they have bought, for dashboards.';
CREATE UNIQUE INDEX mv_customer_ltv_pk ON gold.mv_customer_lifetime_value (customer_key);
CREATE INDEX mv_customer_ltv_value ON gold.mv_customer_lifetime_value (lifetime_value DESC);

-- Refreshes gold.mv_customer_lifetime_value while people read it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_mv_customer_lifetime_value(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_written record;
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.mv_customer_lifetime_value');
BEGIN
    SELECT * INTO l_load
    FROM dwh_lineage.begin_load('gold.mv_customer_lifetime_value', coalesce(in_batch_id, gen_random_uuid()), l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    SELECT * INTO l_written FROM dwh_etl.refresh_view('gold.mv_customer_lifetime_value');
    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.mv_customer_lifetime_value' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'refresh', jsonb_build_object('gold.dim_customer', (SELECT count(*) FROM gold.dim_customer), 'gold.agg_customer_ltv', (SELECT count(*) FROM gold.agg_customer_ltv)),
        l_written.inserted, 0, l_written.deleted, l_written.unchanged
    );
END
$routine$;

-- Refreshes gold.mv_customer_lifetime_value although nothing waits for it. Takes the run's id. Locks the table's
-- row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_mv_customer_lifetime_value(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.mv_customer_lifetime_value';
    CALL dwh_etl.load_gold_mv_customer_lifetime_value(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.mv_customer_lifetime_value is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_mv_customer_lifetime_value(
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
    l_key gold.mv_customer_lifetime_value%ROWTYPE := jsonb_populate_record(NULL::gold.mv_customer_lifetime_value, in_key);
    l_source_1 gold.dim_customer%ROWTYPE := jsonb_populate_record(
        NULL::gold.dim_customer, CASE WHEN in_source = 'gold.dim_customer' THEN in_source_key END
    );
    l_source_2 gold.agg_customer_ltv%ROWTYPE := jsonb_populate_record(
        NULL::gold.agg_customer_ltv, CASE WHEN in_source = 'gold.agg_customer_ltv' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'gold.dim_customer' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_key', q.customer_key),
            'gold.dim_customer',
            jsonb_build_object('customer_key', q._origin_0)
        FROM (
            SELECT
              c.customer_key,
              "c"."_origin_0" AS _origin_0
            FROM (
              SELECT
                *,
                "c"."customer_key" AS _origin_0
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
            /* By the customer, not by the version: what somebody bought under an old address counts too. */
            LEFT JOIN gold.agg_customer_ltv AS l
              ON l.customer_id = c.customer_id
            WHERE
              c.is_current
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_key = l_key.customer_key))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.customer_key));
    END IF;
    IF in_source IS NULL OR in_source = 'gold.agg_customer_ltv' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_key', q.customer_key),
            'gold.agg_customer_ltv',
            jsonb_build_object('customer_id', q._origin_0)
        FROM (
            SELECT
              c.customer_key,
              "l"."customer_id" AS _origin_0
            FROM (
              SELECT
                *
              FROM gold.dim_customer AS c
              WHERE
                _retired_at IS NULL AND customer_key > 0
            ) AS c
            /* By the customer, not by the version: what somebody bought under an old address counts too. */
            LEFT JOIN gold.agg_customer_ltv AS l
              ON l.customer_id = c.customer_id
            WHERE
              c.is_current
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_key = l_key.customer_key))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.customer_id));
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
    'gold.mv_customer_lifetime_value',
    'gold',
    'materialized_view',
    'ecommerce',
    'Present customers with what they have bought, for dashboards.',
     E'{"columns": [{"name": "customer_key"}, {"name": "customer_id"}, {"name": "email"}, {"name": "name"}, {"name": "customer_segment"}, {"name": "total_orders"}, {"name": "lifetime_value"}, {"name": "avg_order_value"}, {"name": "first_order_date"}, {"name": "last_order_date"}, {"name": "customer_tenure_days"}], "description": "Present customers with what they have bought, for dashboards.", "grain": ["customer_key"], "indexes": {"mv_customer_ltv_pk": {"columns": ["customer_key"], "unique": true}, "mv_customer_ltv_value": {"columns": ["lifetime_value DESC"]}}, "kind": "materialized_view", "layer": "gold", "name": "mv_customer_lifetime_value", "origins": {"gold.agg_customer_ltv": ["customer_id"], "gold.dim_customer": ["customer_key"]}, "query": "SELECT\\n    c.customer_key,\\n    c.customer_id,\\n    c.email,\\n    c.name,\\n    c.customer_segment,\\n    coalesce(l.total_orders, 0) AS total_orders,\\n    coalesce(l.lifetime_value, 0) AS lifetime_value,\\n    l.avg_order_value,\\n    l.first_order_date,\\n    l.last_order_date,\\n    l.last_order_date - l.first_order_date AS customer_tenure_days\\nFROM gold.dim_customer AS c\\n-- By the customer, not by the version: what somebody bought under an old address counts too.\\nLEFT JOIN gold.agg_customer_ltv AS l ON l.customer_id = c.customer_id\\nWHERE c.is_current", "routines": {"refresh_customer_ltv": "-- Refreshes gold.mv_customer_lifetime_value while people read it.\\nCREATE PROCEDURE dwh_etl.refresh_customer_ltv()\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.rebuild_gold_mv_customer_lifetime_value();\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.refresh_customer_ltv() IS ''Refreshes gold.mv_customer_lifetime_value'';\\n"}, "standing": {"gold.dim_customer": "customer_key"}}'::jsonb,
    'gold.mv_customer_lifetime_value',
    'dwh_etl.load_gold_mv_customer_lifetime_value',
    'dwh_etl.rebuild_gold_mv_customer_lifetime_value',
    'dwh_etl.origins_gold_mv_customer_lifetime_value'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.mv_customer_lifetime_value' AND active;

SELECT dwh_lineage.register_input('gold.mv_customer_lifetime_value', 'gold.dim_customer');
SELECT dwh_lineage.register_input('gold.mv_customer_lifetime_value', 'gold.agg_customer_ltv');
SELECT dwh_etl.read_images('gold.mv_customer_lifetime_value', '{}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.mv_customer_lifetime_value' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('gold.dim_customer', 'customer_key', 'gold.mv_customer_lifetime_value', 'customer_key', 'c.customer_key', 'DIRECT', true),
    ('gold.dim_customer', 'customer_id', 'gold.mv_customer_lifetime_value', 'customer_id', 'c.customer_id', 'DIRECT', false),
    ('gold.dim_customer', 'email', 'gold.mv_customer_lifetime_value', 'email', 'c.email', 'DIRECT', false),
    ('gold.dim_customer', 'name', 'gold.mv_customer_lifetime_value', 'name', 'c.name', 'DIRECT', false),
    ('gold.dim_customer', 'customer_segment', 'gold.mv_customer_lifetime_value', 'customer_segment', 'c.customer_segment', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'total_orders', 'gold.mv_customer_lifetime_value', 'total_orders', 'COALESCE(l.total_orders, 0)', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'lifetime_value', 'gold.mv_customer_lifetime_value', 'lifetime_value', 'COALESCE(l.lifetime_value, 0)', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'avg_order_value', 'gold.mv_customer_lifetime_value', 'avg_order_value', 'l.avg_order_value', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'first_order_date', 'gold.mv_customer_lifetime_value', 'first_order_date', 'l.first_order_date', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'last_order_date', 'gold.mv_customer_lifetime_value', 'last_order_date', 'l.last_order_date', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'first_order_date', 'gold.mv_customer_lifetime_value', 'customer_tenure_days', 'l.last_order_date - l.first_order_date', 'DIRECT', false),
    ('gold.agg_customer_ltv', 'last_order_date', 'gold.mv_customer_lifetime_value', 'customer_tenure_days', 'l.last_order_date - l.first_order_date', 'DIRECT', false);

-- Refreshes gold.mv_customer_lifetime_value while people read it.
CREATE PROCEDURE dwh_etl.refresh_customer_ltv()
LANGUAGE sql
AS $$
    CALL dwh_etl.rebuild_gold_mv_customer_lifetime_value();
$$;
COMMENT ON PROCEDURE dwh_etl.refresh_customer_ltv() IS 'Refreshes gold.mv_customer_lifetime_value';
