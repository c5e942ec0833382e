CREATE TABLE dwh_staging.shape AS
SELECT q.*
FROM (
SELECT DISTINCT
    c.country,
    c.city,
    n.country_name,
    n.region
FROM silver.customers AS c
JOIN (
    VALUES
        ('AT', 'Austria', 'Europe'),
        ('CH', 'Switzerland', 'Europe'),
        ('DE', 'Germany', 'Europe'),
        ('ES', 'Spain', 'Europe'),
        ('FR', 'France', 'Europe'),
        ('GB', 'United Kingdom', 'Europe'),
        ('US', 'United States', 'North America')
) AS n (country, country_name, region) ON n.country = c.country
) AS q
WITH NO DATA;
CREATE TABLE gold.dim_geography (
    geography_key bigint GENERATED ALWAYS AS IDENTITY,
    LIKE dwh_staging.shape,
    _retired_at timestamptz,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (geography_key)
);
DROP TABLE dwh_staging.shape;
ALTER TABLE gold.dim_geography
    ALTER COLUMN country SET NOT NULL,
    ALTER COLUMN city SET NOT NULL,
    ALTER COLUMN country_name SET NOT NULL,
    ALTER COLUMN region SET NOT NULL;
COMMENT ON TABLE gold.dim_geography IS 'The places where customers live or have lived.';
CREATE UNIQUE INDEX dim_geography_key ON gold.dim_geography (country, city) WHERE geography_key > 0;


-- Computes gold.dim_geography for the keys that changes of its inputs touch, or in full where these are many and
-- writes what differs. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_gold_dim_geography(in_batch_id uuid DEFAULT NULL)
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
    l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = 'gold.dim_geography');
    l_full text;
    l_keys bigint;
    l_lacks boolean;
    l_read jsonb := '{}';
    l_delta_1 bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('gold.dim_geography', l_batch_id, l_anew);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    l_full := dwh_etl.why_in_full('gold.dim_geography', l_load.taken, l_anew);
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.delta_1;
        CREATE TEMP TABLE delta_1 ON COMMIT DROP AS
        SELECT city, country, sum(_change)::integer AS _change
        FROM dwh_staging.images_silver_customers
        WHERE _batch_no = ANY (l_load.taken)
        GROUP BY city, country
        HAVING sum(_change) <> 0;
        GET DIAGNOSTICS l_delta_1 = ROW_COUNT;
        ANALYZE pg_temp.delta_1;
        l_read := l_read || jsonb_build_object('silver.customers', coalesce((l_read ->> 'silver.customers')::bigint, 0) + l_delta_1);
        l_full := coalesce(l_full, dwh_etl.why_too_many('silver.customers', l_delta_1, 'changed rows'));
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.candidates;
        CREATE TEMP TABLE candidates ON COMMIT DROP AS
        SELECT g.country, g.city FROM gold.dim_geography AS g WITH NO DATA;
        IF l_delta_1 > 0 THEN
            INSERT INTO pg_temp.candidates (country, city)
            SELECT "c"."country" AS country, "c"."city" AS city FROM pg_temp.delta_1 AS c, (SELECT * FROM (VALUES ('AT', 'Austria', 'Europe'), ('CH', 'Switzerland', 'Europe'), ('DE', 'Germany', 'Europe'), ('ES', 'Spain', 'Europe'), ('FR', 'France', 'Europe'), ('GB', 'United Kingdom', 'Europe'), ('US', 'United States', 'North America')) AS v (country, country_name, region)) AS n WHERE ("n"."country" = "c"."country");
        END IF;
        l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE c.country IS NULL OR c.city IS NULL);
        DROP TABLE IF EXISTS pg_temp.touched;
        CREATE TEMP TABLE touched ON COMMIT DROP AS
        SELECT DISTINCT c.country, c.city FROM pg_temp.candidates AS c WHERE c.country IS NOT NULL AND c.city IS NOT NULL;
        GET DIAGNOSTICS l_keys = ROW_COUNT;
        ANALYZE pg_temp.touched;
        l_full := coalesce(
            dwh_etl.why_too_many('gold.dim_geography', l_keys, 'keys'),
            dwh_etl.why_costly('gold.dim_geography', l_keys,  E'[["silver.customers", "silver.customers AS c WHERE (\\"c\\".\\"country\\", \\"c\\".\\"city\\") IN (SELECT country, city FROM pg_temp.touched)"]]'::jsonb)
        );
    END IF;
    IF l_full IS NULL THEN
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT
            q.country,
            q.city,
            q.country_name,
            q.region
        FROM (
        SELECT DISTINCT
            c.country,
            c.city,
            n.country_name,
            n.region
        FROM (SELECT * FROM silver.customers AS c WHERE ("c"."country", "c"."city") IN (SELECT country, city FROM pg_temp.touched)) AS c
        JOIN (
            VALUES
                ('AT', 'Austria', 'Europe'),
                ('CH', 'Switzerland', 'Europe'),
                ('DE', 'Germany', 'Europe'),
                ('ES', 'Spain', 'Europe'),
                ('FR', 'France', 'Europe'),
                ('GB', 'United Kingdom', 'Europe'),
                ('US', 'United States', 'North America')
        ) AS n (country, country_name, region) ON n.country = c.country
        ) AS q
        WHERE (q.country, q.city) IN (SELECT t.country, t.city FROM pg_temp.touched AS t);
        IF l_lacks THEN  -- a key that is NULL is found by no equation
            INSERT INTO pg_temp.computed
            SELECT
                q.country,
                q.city,
                q.country_name,
                q.region
            FROM (
        SELECT DISTINCT
            c.country,
            c.city,
            n.country_name,
            n.region
        FROM silver.customers AS c
        JOIN (
            VALUES
                ('AT', 'Austria', 'Europe'),
                ('CH', 'Switzerland', 'Europe'),
                ('DE', 'Germany', 'Europe'),
                ('ES', 'Spain', 'Europe'),
                ('FR', 'France', 'Europe'),
                ('GB', 'United Kingdom', 'Europe'),
                ('US', 'United States', 'North America')
        ) AS n (country, country_name, region) ON n.country = c.country
            ) AS q
            WHERE q.country IS NULL OR q.city IS NULL;
        END IF;
    ELSE
        DROP TABLE IF EXISTS pg_temp.computed;
        CREATE TEMP TABLE computed ON COMMIT DROP AS
        SELECT DISTINCT
            c.country,
            c.city,
            n.country_name,
            n.region
        FROM silver.customers AS c
        JOIN (
            VALUES
                ('AT', 'Austria', 'Europe'),
                ('CH', 'Switzerland', 'Europe'),
                ('DE', 'Germany', 'Europe'),
                ('ES', 'Spain', 'Europe'),
                ('FR', 'France', 'Europe'),
                ('GB', 'United Kingdom', 'Europe'),
                ('US', 'United States', 'North America')
        ) AS n (country, country_name, region) ON n.country = c.country;
        l_read := jsonb_build_object('silver.customers', (SELECT count(*) FROM silver.customers));
    END IF;
    RAISE NOTICE '%', 'gold.dim_geography' || ': ' || dwh_etl.way_of_load(l_full, l_keys);
    SELECT count(*) INTO l_computed FROM pg_temp.computed;
    CALL dwh_etl.align_types('gold.dim_geography');
    ANALYZE pg_temp.computed;
    PERFORM dwh_etl.ensure_unknown_member('gold.dim_geography');

    IF l_full IS NULL THEN
        UPDATE gold.dim_geography AS g
        SET _retired_at = now(), _batch_id = l_batch_id, _loaded_at = now()
        WHERE g._retired_at IS NULL AND g.geography_key > 0 AND EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t.country = g.country AND t.city = g.city)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.country = g.country AND c.city = g.city);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    ELSE
        UPDATE gold.dim_geography AS g
        SET _retired_at = now(), _batch_id = l_batch_id, _loaded_at = now()
        WHERE g._retired_at IS NULL AND g.geography_key > 0 AND NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE c.country = g.country AND c.city = g.city);
        GET DIAGNOSTICS l_deleted = ROW_COUNT;
    END IF;

    UPDATE gold.dim_geography AS g
    SET country_name = c.country_name, region = c.region, _retired_at = NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.computed AS c
    WHERE g.country = c.country AND g.city = c.city AND g.geography_key > 0 AND (ROW(g.country_name, g.region) IS DISTINCT FROM ROW(c.country_name, c.region) OR g._retired_at IS NOT NULL);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO gold.dim_geography (country, city, country_name, region, _batch_id)
    SELECT c.country, c.city, c.country_name, c.region, l_batch_id
    FROM pg_temp.computed AS c
    WHERE NOT EXISTS (
        SELECT 1 FROM gold.dim_geography AS g WHERE g.country = c.country AND g.city = c.city AND g.geography_key > 0
    );
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    CALL dwh_etl.ensure_constraints('gold.dim_geography');
    PERFORM dwh_etl.purge_retired('gold.dim_geography');

    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = 'gold.dim_geography' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform',
        l_read,
        l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => dwh_etl.way_of_load(l_full, l_keys)
    );
END
$routine$;

-- Computes gold.dim_geography although nothing waits for it. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_gold_dim_geography(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = 'gold.dim_geography';
    CALL dwh_etl.load_gold_dim_geography(in_batch_id);
END
$routine$;

-- Which rows of its inputs each row of gold.dim_geography is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.origins_gold_dim_geography(
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
    l_key gold.dim_geography%ROWTYPE := jsonb_populate_record(NULL::gold.dim_geography, in_key);
    l_source_1 silver.customers%ROWTYPE := jsonb_populate_record(
        NULL::silver.customers, CASE WHEN in_source = 'silver.customers' THEN in_source_key END
    );
BEGIN
    IF in_source IS NULL OR in_source = 'silver.customers' THEN
        RETURN QUERY
        SELECT DISTINCT
            jsonb_build_object('country', q.country, 'city', q.city),
            'silver.customers',
            jsonb_build_object('customer_id', q._origin_0, 'valid_from', q._origin_1)
        FROM (
            SELECT
              c.country,
              c.city,
              "c"."customer_id" AS _origin_0,
              "c"."valid_from" AS _origin_1
            FROM silver.customers AS c
            JOIN (VALUES
              ('AT', 'Austria', 'Europe'),
              ('CH', 'Switzerland', 'Europe'),
              ('DE', 'Germany', 'Europe'),
              ('ES', 'Spain', 'Europe'),
              ('FR', 'France', 'Europe'),
              ('GB', 'United Kingdom', 'Europe'),
              ('US', 'United States', 'North America')) AS n(country, country_name, region)
              ON n.country = c.country
        ) AS q
        WHERE q._origin_0 IS NOT NULL
            AND (in_key IS NULL OR (q.country = l_key.country AND q.city = l_key.city))
            AND (in_source_key IS NULL OR (q._origin_0 = l_source_1.customer_id AND q._origin_1 = l_source_1.valid_from));
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
    'gold.dim_geography',
    'gold',
    'dimension',
    'ecommerce',
    'The places where customers live or have lived.',
     E'{"columns": [{"name": "country"}, {"name": "city"}, {"name": "country_name"}, {"name": "region"}], "description": "The places where customers live or have lived.", "grain": ["country", "city"], "kind": "dimension", "layer": "gold", "name": "dim_geography", "origins": {"silver.customers": ["customer_id", "valid_from"]}, "query": "SELECT DISTINCT\\n    c.country,\\n    c.city,\\n    n.country_name,\\n    n.region\\nFROM silver.customers AS c\\nJOIN (\\n    VALUES\\n        (''AT'', ''Austria'', ''Europe''),\\n        (''CH'', ''Switzerland'', ''Europe''),\\n        (''DE'', ''Germany'', ''Europe''),\\n        (''ES'', ''Spain'', ''Europe''),\\n        (''FR'', ''France'', ''Europe''),\\n        (''GB'', ''United Kingdom'', ''Europe''),\\n        (''US'', ''United States'', ''North America'')\\n) AS n (country, country_name, region) ON n.country = c.country", "required": ["country_name", "region"], "surrogate": "geography_key"}'::jsonb,
    'gold.dim_geography',
    'dwh_etl.load_gold_dim_geography',
    'dwh_etl.rebuild_gold_dim_geography',
    'dwh_etl.origins_gold_dim_geography'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'gold.dim_geography' AND active;

SELECT dwh_lineage.register_input('gold.dim_geography', 'silver.customers');
SELECT dwh_etl.read_images('gold.dim_geography', '{"silver.customers": "whole"}'::jsonb);

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'gold.dim_geography' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('silver.customers', 'country', 'gold.dim_geography', 'country', 'c.country', 'DIRECT', true),
    ('silver.customers', 'city', 'gold.dim_geography', 'city', 'c.city', 'DIRECT', true);

SELECT dwh_etl.ensure_unknown_member('gold.dim_geography');
SELECT dwh_etl.ensure_images('gold.dim_geography');
