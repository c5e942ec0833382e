CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT
    c.customer_id,
    c.email,
    c.email_domain,
    c.name,
    c.status,
    -- As of today, on all versions: a segment is no history.
    CASE WHEN s.spent >= 500 THEN 'high_value' WHEN s.spent > 0 THEN 'regular' ELSE 'new' END AS customer_segment,
    c.created_on AS acquisition_date,
    c.channel AS acquisition_channel,
    c.city,
    c.country,
    c.valid_from,
    c.valid_to,
    c.is_current,
    c.customer_sk AS _silver_sk
FROM silver.customers AS c
LEFT JOIN (
    SELECT o.customer_id, sum(o.total) AS spent
    FROM silver.orders AS o
    WHERE o.is_current AND o.status NOT IN ('cancelled', 'returned')
    GROUP BY o.customer_id
) AS s ON s.customer_id = c.customer_id
) AS q
WITH NO DATA;
CREATE TABLE gold.dim_customer (
    customer_key bigint GENERATED ALWAYS AS IDENTITY,
    LIKE dwh_staging.shape,
    first_name text GENERATED ALWAYS AS (split_part(name, ' ', 1)) STORED,
    last_name text GENERATED ALWAYS AS (CASE WHEN position(' ' IN name) > 0 THEN substring(name FROM position(' ' IN name) + 1) ELSE '' END) STORED,
    _retired_at timestamptz,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_key)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.dim_customer
    ALTER COLUMN customer_id SET NOT NULL,
    ALTER COLUMN valid_from SET NOT NULL,
    ALTER COLUMN email SET NOT NULL,
    ALTER COLUMN email_domain SET NOT NULL,
    ALTER COLUMN name SET NOT NULL,
    ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN is_current SET NOT NULL;
COMMENT ON TABLE gold.dim_customer IS 'Customers, with a row for each period of their lives.';
CREATE UNIQUE INDEX dim_customer_key ON gold.dim_customer (customer_id, valid_from) WHERE customer_key > 0;
CREATE UNIQUE INDEX gold_dim_customer_bk ON gold.dim_customer (customer_id) WHERE is_current AND customer_key > 0;
CREATE INDEX dim_customer_email_idx ON gold.dim_customer (email) WHERE is_current;
CREATE INDEX dim_customer_segment_idx ON gold.dim_customer (customer_segment) WHERE is_current;
CREATE INDEX dim_customer_domain_idx ON gold.dim_customer (email_domain) WHERE is_current;


-- Computes gold.dim_customer for the keys that changes of its inputs touch, or in full where these are many and
-- writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_dim_customer(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.dim_customer');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
    l_delta_2 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.dim_customer', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.dim_customer', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT channel, city, country, created_on, customer_id, customer_sk, email, email_domain, is_current, name, status, valid_from, valid_to, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_customers
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY channel, city, country, created_on, customer_id, customer_sk, email, email_domain, is_current, name, status, valid_from, valid_to
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('silver.customers', coalesce((l_read ->> 'silver.customers')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.customers', l_delta_1, 'changed rows'));
        DROP TABLE IF EXISTS pg_temp.delta_2;
        CREATE TEMP TABLE delta_2 ON COMMIT DROP AS
        SELECT customer_id, is_current, status, total, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_orders
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY customer_id, is_current, status, total
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_2 = ROW_COUNT;
        ANALYZE pg_temp.delta_2;
        l_read := l_read || jsonb_build_object('silver.orders', coalesce((l_read ->> 'silver.orders')::bigint, 0) + l_delta_2);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.orders', l_delta_2, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.customer_id, g.valid_from FROM gold.dim_customer AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (customer_id, valid_from)
            SELECT "c"."customer_id" AS customer_id, "c"."valid_from" AS valid_from FROM pg_temp.delta_1 AS c;
        END IF;
        IF l_delta_2 > 0 THEN
            INSERT INTO pg_temp.candidates (customer_id, valid_from)
            SELECT "c"."customer_id" AS customer_id, "c"."valid_from" AS valid_from FROM (SELECT customer_id, valid_from FROM silver.customers UNION ALL SELECT customer_id, valid_from FROM pg_temp.delta_1 WHERE _change < 0) AS c, (SELECT "o"."customer_id" AS customer_id FROM pg_temp.delta_2 AS o WHERE ("o"."is_current") AND (NOT "o"."status" IN ('cancelled', 'returned'))) AS s WHERE ("s"."customer_id" = "c"."customer_id");
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.customer_id IS NULL OR c.valid_from IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.customer_id, c.valid_from FROM pg_temp.candidates AS c WHERE c.customer_id IS NOT NULL AND c.valid_from IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.dim_customer', l_keys, 'keys'),
            dwh_etl.why_costly('gold.dim_customer', l_keys,  E'[["silver.customers", "silver.customers AS c WHERE (\\"c\\".\\"customer_id\\", \\"c\\".\\"valid_from\\") IN (SELECT customer_id, valid_from FROM pg_temp.touched)"], ["silver.orders", "silver.orders AS o WHERE (\\"o\\".\\"customer_id\\") IN (SELECT customer_id FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.customer_id,
            q.email,
            q.email_domain,
            q.name,
            q.status,
            q.customer_segment,
            q.acquisition_date,
            q.acquisition_channel,
            q.city,
            q.country,
            q.valid_from,
            q.valid_to,
            q.is_current,
            q._silver_sk
        FROM (
        SELECT
            c.customer_id,
            c.email,
            c.email_domain,
            c.name,
            c.status,
            -- As of today, on all versions: a segment is no history.
            CASE WHEN s.spent >= 500 THEN 'high_value' WHEN s.spent > 0 THEN 'regular' ELSE 'new' END AS customer_segment,
            c.created_on AS acquisition_date,
            c.channel AS acquisition_channel,
            c.city,
            c.country,
            c.valid_from,
            c.valid_to,
            c.is_current,
            c.customer_sk AS _silver_sk
        FROM (SELECT * FROM silver.customers AS c WHERE ("c"."customer_id", "c"."valid_from") IN (SELECT customer_id, valid_from FROM pg_temp.touched)) AS c
        LEFT JOIN (
            SELECT o.customer_id, sum(o.total) AS spent
            FROM (SELECT * FROM silver.orders AS o WHERE ("o"."customer_id") IN (SELECT customer_id FROM pg_temp.touched)) AS o
            WHERE o.is_current AND o.status NOT IN ('cancelled', 'returned')
            GROUP BY o.customer_id
        ) AS s ON s.customer_id = c.customer_id
        ) AS q
        WHERE (q.customer_id, q.valid_from) IN (SELECT t.customer_id, t.valid_from FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.customer_id,
                q.email,
                q.email_domain,
                q.name,
                q.status,
                q.customer_segment,
                q.acquisition_date,
                q.acquisition_channel,
                q.city,
                q.country,
                q.valid_from,
                q.valid_to,
                q.is_current,
                q._silver_sk
            FROM (
        SELECT
            c.customer_id,
            c.email,
            c.email_domain,
            c.name,
            c.status,
            -- As of today, on all versions: a segment is no history.
            CASE WHEN s.spent >= 500 THEN 'high_value' WHEN s.spent > 0 THEN 'regular' ELSE 'new' END AS customer_segment,
            c.created_on AS acquisition_date,
            c.channel AS acquisition_channel,
            c.city,
            c.country,
            c.valid_from,
            c.valid_to,
            c.is_current,
            c.customer_sk AS _silver_sk
        FROM silver.customers AS c
        LEFT JOIN (
            SELECT o.customer_id, sum(o.total) AS spent
            FROM silver.orders AS o
            WHERE o.is_current AND o.status NOT IN ('cancelled', 'returned')
            GROUP BY o.customer_id
        ) AS s ON s.customer_id = c.customer_id
            ) AS q
            WHERE q.customer_id IS NULL OR q.valid_from IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            c.customer_id,
            c.email,
            c.email_domain,
            c.name,
            c.status,
            -- As of today, on all versions: a segment is no history.
            CASE WHEN s.spent >= 500 THEN 'high_value' WHEN s.spent > 0 THEN 'regular' ELSE 'new' END AS customer_segment,
            c.created_on AS acquisition_date,
            c.channel AS acquisition_channel,
            c.city,
            c.country,
            c.valid_from,
            c.valid_to,
            c.is_current,
            c.customer_sk AS _silver_sk
        FROM silver.customers AS c
        LEFT JOIN (
            SELECT o.customer_id, sum(o.total) AS spent
            FROM silver.orders AS o
            WHERE o.is_current AND o.status NOT IN ('cancelled', 'returned')
            GROUP BY o.customer_id
        ) AS s ON s.customer_id = c.customer_id;
        l_read := jsonb_build_object('silver.customers', (SELECT count(*) FROM silver.customers), 'silver.orders', (SELECT count(*) FROM silver.orders));
    END IF;
    RAISE NOTICE '%', 'gold.dim_customer' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.dim_customer');
    ANALYZE pg_temp.computed;
    PERFORM dwh_etl.ensure_unknown_member('gold.dim_customer');

    IF l_full IS NULL THEN
        UPDATE gold.dim_customer AS g
        SET _retired_at = now(), is_current = false, _batch_id = l_batch_id, _loaded_at = now()
        WHERE g._retired_at IS NULL AND g.customer_key > 0 AND EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.customer_id = g.customer_id AND t.valid_from = g.valid_from)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.customer_id = g.customer_id AND c.valid_from = g.valid_from);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        UPDATE gold.dim_customer AS g
        SET _retired_at = now(), is_current = false, _batch_id = l_batch_id, _loaded_at = now()
        WHERE g._retired_at IS NULL AND g.customer_key > 0 AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.customer_id = g.customer_id AND c.valid_from = g.valid_from);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.dim_customer AS g
    SET email = c.email, email_domain = c.email_domain, name = c.name, status = c.status, customer_segment = c.customer_segment, acquisition_date = c.acquisition_date, acquisition_channel = c.acquisition_channel, city = c.city, country = c.country, valid_to = c.valid_to, is_current = c.is_current, _silver_sk = c._silver_sk, _retired_at = NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.customer_id = c.customer_id AND g.valid_from = c.valid_from AND g.customer_key > 0 AND (ROW(g.email, g.email_domain, g.name, g.status, g.customer_segment, g.acquisition_date, g.acquisition_channel, g.city, g.country, g.valid_to, g.is_current, g._silver_sk) IS DISTINCT FROM ROW(c.email, c.email_domain, c.name, c.status, c.customer_segment, c.acquisition_date, c.acquisition_channel, c.city, c.country, c.valid_to, c.is_current, c._silver_sk) OR g._retired_at IS NOT NULL);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.dim_customer (customer_id, email, email_domain, name, status, customer_segment, acquisition_date, acquisition_channel, city, country, valid_from, valid_to, is_current, _silver_sk, _batch_id)
    SELECT c.customer_id, c.email, c.email_domain, c.name, c.status, c.customer_segment, c.acquisition_date, c.acquisition_channel, c.city, c.country, c.valid_from, c.valid_to, c.is_current, c._silver_sk, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.dim_customer AS g WHERE g.customer_id = c.customer_id AND g.valid_from = c.valid_from AND g.customer_key > 0
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    CALL dwh_etl.ensure_constraints('gold.dim_customer');
    PERFORM dwh_etl.purge_retired('gold.dim_customer');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.dim_customer' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.dim_customer although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_dim_customer(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.dim_customer';
    CALL dwh_etl.load_gold_dim_customer(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.dim_customer is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_dim_customer(
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
    l_key gold.dim_customer%ROWTYPE := jsonb_populate_record(NULL::gold.dim_customer, in_key);
    l_source_1 silver.customers%ROWTYPE := jsonb_populate_record(
        NULL::silver.customers, CASE WHEN in_source = 'silver.customers' THEN in_source_key END
    );
    l_source_2 silver.orders%ROWTYPE := jsonb_populate_record(
        NULL::silver.orders, CASE WHEN in_source = 'silver.orders' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'silver.customers' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_id', q.customer_id, 'valid_from', q.valid_from),
            'silver.customers',
            jsonb_build_object('customer_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              c.customer_id,
              c.valid_from,
              "c"."customer_id" AS _origin_0,
              "c"."valid_from" AS _origin_1
            FROM silver.customers AS c
            LEFT JOIN (
              SELECT
                o.customer_id,
                SUM(o.total) AS spent
              FROM silver.orders AS o
              WHERE
                o.is_current AND NOT o.status IN ('cancelled', 'returned')
              GROUP BY
                o.customer_id
            ) AS s
              ON s.customer_id = c.customer_id
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_id = l_key.customer_id AND q.valid_from = l_key.valid_from))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.customer_id AND q._origin_1 = l_source_1.valid_from));
    END IF;
    IF in_source IS NULL OR in_source = 'silver.orders' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('customer_id', q.customer_id, 'valid_from', q.valid_from),
            'silver.orders',
            jsonb_build_object('order_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              c.customer_id,
              c.valid_from,
              "s"."_origin_0" AS _origin_0,
              "s"."_origin_1" AS _origin_1
            FROM silver.customers AS c
            LEFT JOIN (
              SELECT
                o.customer_id,
                "o"."order_id" AS _origin_0,
                "o"."valid_from" AS _origin_1
              FROM silver.orders AS o
              WHERE
                o.is_current AND NOT o.status IN ('cancelled', 'returned')
            ) AS s
              ON s.customer_id = c.customer_id
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.customer_id = l_key.customer_id AND q.valid_from = l_key.valid_from))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_2.order_id AND q._origin_1 = l_source_2.valid_from));
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
    'gold.dim_customer',
    'gold',
    'dimension',
    'ecommerce',
    'Customers, with a row for each period of their lives.',
     E'{"columns": [{"name": "customer_id"}, {"name": "email"}, {"name": "email_domain"}, {"name": "name"}, {"name": "status"}, {"name": "customer_segment"}, {"name": "acquisition_date"}, {"name": "acquisition_channel"}, {"name": "city"}, {"name": "country"}, {"name": "valid_from"}, {"name": "valid_to"}, {"name": "is_current"}, {"name": "_silver_sk"}], "description": "Customers, with a row for each period of their lives.", "generated": [{"expression": "split_part(name, '' '', 1)", "name": "first_name", "type": "text"}, {"expression": "CASE WHEN position('' '' IN name) > 0 THEN substring(name FROM position('' '' IN name) + 1) ELSE '''' END", "name": "last_name", "type": "text"}], "grain": ["customer_id", "valid_from"], "indexes": {"dim_customer_domain_idx": {"columns": ["email_domain"], "where": "is_current"}, "dim_customer_email_idx": {"columns": ["email"], "where": "is_current"}, "dim_customer_segment_idx": {"columns": ["customer_segment"], "where": "is_current"}}, "kind": "dimension", "layer": "gold", "name": "dim_customer", "origins": {"silver.customers": ["customer_id", "valid_from"], "silver.orders": ["order_id", "valid_from"]}, "query": "SELECT\\n    c.customer_id,\\n    c.email,\\n    c.email_domain,\\n    c.name,\\n    c.status,\\n    -- As of today, on all versions: a segment is no history.\\n    CASE WHEN s.spent >= 500 THEN ''high_value'' WHEN s.spent > 0 THEN ''regular'' ELSE ''new'' END AS customer_segment,\\n    c.created_on AS acquisition_date,\\n    c.channel AS acquisition_channel,\\n    c.city,\\n    c.country,\\n    c.valid_from,\\n    c.valid_to,\\n    c.is_current,\\n    c.customer_sk AS _silver_sk\\nFROM silver.customers AS c\\nLEFT JOIN (\\n    SELECT o.customer_id, sum(o.total) AS spent\\n    FROM silver.orders AS o\\n    WHERE o.is_current AND o.status NOT IN (''cancelled'', ''returned'')\\n    GROUP BY o.customer_id\\n) AS s ON s.customer_id = c.customer_id", "required": ["email", "email_domain", "name", "status", "is_current"], "routines": {"load_dim_customer": "-- The load of gold.dim_customer under its other name. Takes the run''s id.\\nCREATE PROCEDURE dwh_etl.load_dim_customer(in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.load_gold_dim_customer(in_batch_id);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.load_dim_customer(uuid) IS ''Loads gold.dim_customer'';\\n", "merge_dim_customer": "-- Merges what is new into gold.dim_customer, which is what its load does. Takes the run''s id.\\nCREATE PROCEDURE dwh_etl.merge_dim_customer(in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.load_gold_dim_customer(in_batch_id);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.merge_dim_customer(uuid) IS ''Merges what is new into gold.dim_customer'';\\n"}, "surrogate": "customer_key"}'::jsonb,
    'gold.dim_customer',
    'dwh_etl.load_gold_dim_customer',
    'dwh_etl.rebuild_gold_dim_customer',
    'dwh_etl.origins_gold_dim_customer'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.dim_customer' AND active;

SELECT dwh_lineage.register_input('gold.dim_customer', 'silver.customers');
SELECT dwh_lineage.register_input('gold.dim_customer', 'silver.orders');
SELECT dwh_etl.read_images('gold.dim_customer', '{"silver.customers": "whole", "silver.orders": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.dim_customer' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('silver.customers', 'customer_id', 'gold.dim_customer', 'customer_id', 'c.customer_id', 'DIRECT', true),
    ('silver.customers', 'email', 'gold.dim_customer', 'email', 'c.email', 'DIRECT', false),
    ('silver.customers', 'email_domain', 'gold.dim_customer', 'email_domain', 'c.email_domain', 'DIRECT', false),
    ('silver.customers', 'name', 'gold.dim_customer', 'name', 'c.name', 'DIRECT', false),
    ('silver.customers', 'status', 'gold.dim_customer', 'status', 'c.status', 'DIRECT', false),
    ('silver.orders', 'total', 'gold.dim_customer', 'customer_segment', 'CASE WHEN s.spent >= 500 THEN ''high_value'' WHEN s.spent > 0 THEN ''regular'' ELSE ''new'' END', 'DIRECT', false),
    ('silver.customers', 'created_on', 'gold.dim_customer', 'acquisition_date', 'c.created_on', 'DIRECT', false),
    ('silver.customers', 'channel', 'gold.dim_customer', 'acquisition_channel', 'c.channel', 'DIRECT', false),
    ('silver.customers', 'city', 'gold.dim_customer', 'city', 'c.city', 'DIRECT', false),
    ('silver.customers', 'country', 'gold.dim_customer', 'country', 'c.country', 'DIRECT', false),
    ('silver.customers', 'valid_from', 'gold.dim_customer', 'valid_from', 'c.valid_from', 'DIRECT', true),
    ('silver.customers', 'valid_to', 'gold.dim_customer', 'valid_to', 'c.valid_to', 'DIRECT', false),
    ('silver.customers', 'is_current', 'gold.dim_customer', 'is_current', 'c.is_current', 'DIRECT', false),
    ('silver.customers', 'customer_sk', 'gold.dim_customer', '_silver_sk', 'c.customer_sk', 'DIRECT', false),
    ('silver.customers', 'name', 'gold.dim_customer', 'first_name', 'split_part(name, '' '', 1)', 'DIRECT', false),
    ('silver.customers', 'name', 'gold.dim_customer', 'last_name', 'CASE WHEN position('' '' IN name) > 0 THEN substring(name FROM position('' '' IN name) + 1) ELSE '''' END', 'DIRECT', false);

SELECT dwh_etl.ensure_unknown_member('gold.dim_customer');
SELECT dwh_etl.ensure_images('gold.dim_customer');

-- The load of gold.dim_customer under its other name. Takes the run's id.
CREATE PROCEDURE dwh_etl.load_dim_customer(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_gold_dim_customer(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.load_dim_customer(uuid) IS 'Loads gold.dim_customer';

-- Merges what is new into gold.dim_customer, which is what its load does. Takes the run's id.
CREATE PROCEDURE dwh_etl.merge_dim_customer(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_gold_dim_customer(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.merge_dim_customer(uuid) IS 'Merges what is new into gold.dim_customer';
