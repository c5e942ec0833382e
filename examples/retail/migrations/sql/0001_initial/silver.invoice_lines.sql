CREATE TABLE silver.invoice_lines (
    invoice_no text,
    stock_code text,
    description text,
    quantity integer,
    invoiced_at timestamptz,
    unit_price numeric,
    customer_id integer,
    country text,
    _source_bronze_id bigint PRIMARY KEY,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE silver.invoice_lines IS 'Lines that were sold and can be billed. Every line is kept: two equal lines are two sales.';

-- Bronze rows of bronze.raw_invoice_lines as silver.invoice_lines sees them: each expression and rule evaluated once.
-- in_batches: bronze batches, NULL for all. in_keys: keys as row text, NULL for all. in_rows: bronze ids, NULL for all.
-- _broken: positions of the broken rules, NULL for a good row; _warned: of those that only warn; _source_id, _seen,
-- _source_data: only for a row that breaks a rule.
-- No side effects; inlined into the statement that calls it (so no SET here: its callers pin the session's settings).
CREATE OR REPLACE FUNCTION dwh_etl.evaluate_silver_invoice_lines(in_batches bigint[], in_keys text[], in_rows bigint[] DEFAULT NULL)
RETURNS TABLE (
    _bronze_id bigint,
    _batch_no bigint,
    _ingested_at timestamptz,
    _deleted boolean,
    invoice_no text,
    stock_code text,
    description text,
    quantity integer,
    invoiced_at timestamptz,
    unit_price numeric,
    customer_id integer,
    country text,
    _broken smallint[],
    _warned smallint[],
    _source_id text,
    _seen jsonb,
    _source_data jsonb
)
LANGUAGE sql
STABLE
AS $routine$
SELECT
    j._bronze_id,
    j._batch_no,
    j._ingested_at,
    j._deleted,
    j.invoice_no,
    j.stock_code,
    j.description,
    j.quantity,
    j.invoiced_at,
    j.unit_price,
    j.customer_id,
    j.country,
    CASE WHEN j._broken IS NULL OR NOT (EXISTS (SELECT 1 FROM dwh_lineage.waivers AS w WHERE w.target = 'silver.invoice_lines') OR EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.invoice_lines')) THEN j._broken
        ELSE (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.invoice_lines' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND NOT coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.invoice_lines' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _broken,
    CASE WHEN j._broken IS NOT NULL AND EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.invoice_lines') THEN (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.invoice_lines' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.invoice_lines' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _warned,
    NULL::text AS _source_id,
    CASE WHEN j._broken IS NOT NULL THEN jsonb_build_object(
            'invoice_no', j."text.invoice_no",
            'stock_code', j."text.stock_code",
            'description', j."text.description",
            'quantity', j."text.quantity",
            'invoiced_at', j."text.invoiced_at",
            'unit_price', j."text.unit_price",
            'customer_id', j."text.customer_id",
            'country', j."text.country"
        ) END AS _seen,
    CASE WHEN j._broken IS NULL THEN NULL
            WHEN j._arrived IS NOT NULL THEN jsonb_build_object(
            'invoice_no', j._arrived[1],
            'stock_code', j._arrived[2],
            'description', j._arrived[3],
            'quantity', j._arrived[4],
            'invoice_date', j._arrived[5],
            'unit_price', j._arrived[6],
            'customer_id', j._arrived[7],
            'country', j._arrived[8]
        )
            ELSE jsonb_build_object(
            'invoice_no', j."raw.invoice_no",
            'stock_code', j."raw.stock_code",
            'description', j."raw.description",
            'quantity', j."raw.quantity",
            'invoice_date', j."raw.invoice_date",
            'unit_price', j."raw.unit_price",
            'customer_id', j."raw.customer_id",
            'country', j."raw.country"
        ) END AS _source_data
FROM (
    SELECT
        v._bronze_id,
        v._batch_no,
        v._ingested_at,
        v._deleted,
        v._arrived,
        v."raw.invoice_no",
        v."raw.stock_code",
        v."raw.description",
        v."raw.quantity",
        v."raw.invoice_date",
        v."raw.unit_price",
        v."raw.customer_id",
        v."raw.country",
        v."text.invoice_no",
        v."text.stock_code",
        v."text.description",
        v."text.quantity",
        v."text.invoiced_at",
        v."text.unit_price",
        v."text.customer_id",
        v."text.country",
        v.invoice_no,
        v.stock_code,
        v.description,
        v.quantity,
        v.invoiced_at,
        v.unit_price,
        v.customer_id,
        v.country,
        CASE WHEN (btrim(invoice_no) <> '') IS TRUE
                AND (invoice_no !~ '^C') IS TRUE
                AND (btrim(stock_code) <> '') IS TRUE
                AND ("text.quantity" IS NULL OR quantity IS NOT NULL)
                AND (quantity > 0) IS TRUE
                AND ("text.invoiced_at" IS NULL OR invoiced_at IS NOT NULL)
                AND (invoiced_at IS NOT NULL) IS TRUE
                AND ("text.unit_price" IS NULL OR unit_price IS NOT NULL)
                AND (unit_price > 0) IS TRUE
                AND ("text.customer_id" IS NULL OR customer_id IS NOT NULL)
                AND (customer_id IS NOT NULL) IS TRUE THEN NULL
            ELSE array_remove(ARRAY[
                CASE WHEN NOT ((btrim(invoice_no) <> '') IS TRUE) THEN 1::smallint END,
                CASE WHEN NOT ((invoice_no !~ '^C') IS TRUE) THEN 2::smallint END,
                CASE WHEN NOT ((btrim(stock_code) <> '') IS TRUE) THEN 3::smallint END,
                CASE WHEN NOT ("text.quantity" IS NULL OR quantity IS NOT NULL) THEN 4::smallint END,
                CASE WHEN NOT ((quantity > 0) IS TRUE) AND ("text.quantity" IS NULL OR quantity IS NOT NULL) THEN 5::smallint END,
                CASE WHEN NOT ("text.invoiced_at" IS NULL OR invoiced_at IS NOT NULL) THEN 6::smallint END,
                CASE WHEN NOT ((invoiced_at IS NOT NULL) IS TRUE) AND ("text.invoiced_at" IS NULL OR invoiced_at IS NOT NULL) THEN 7::smallint END,
                CASE WHEN NOT ("text.unit_price" IS NULL OR unit_price IS NOT NULL) THEN 8::smallint END,
                CASE WHEN NOT ((unit_price > 0) IS TRUE) AND ("text.unit_price" IS NULL OR unit_price IS NOT NULL) THEN 9::smallint END,
                CASE WHEN NOT ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 10::smallint END,
                CASE WHEN NOT ((customer_id IS NOT NULL) IS TRUE) AND ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 11::smallint END
            ], NULL) END AS _broken
    FROM (
        SELECT
            t._bronze_id,
            t._batch_no,
            t._ingested_at,
            t._deleted,
            t._arrived,
            t."raw.invoice_no",
            t."raw.stock_code",
            t."raw.description",
            t."raw.quantity",
            t."raw.invoice_date",
            t."raw.unit_price",
            t."raw.customer_id",
            t."raw.country",
            t."text.invoice_no",
            t."text.stock_code",
            t."text.description",
            t."text.quantity",
            t."text.invoiced_at",
            t."text.unit_price",
            t."text.customer_id",
            t."text.country",
            t."text.invoice_no" AS invoice_no,
            t."text.stock_code" AS stock_code,
            t."text.description" AS description,
            dwh_etl.to_integer(t."text.quantity") AS quantity,
            dwh_etl.to_timestamptz(t."text.invoiced_at") AS invoiced_at,
            dwh_etl.to_numeric(t."text.unit_price") AS unit_price,
            dwh_etl.to_integer(t."text.customer_id") AS customer_id,
            t."text.country" AS country
        FROM (
            SELECT
                r._bronze_id,
                r._batch_no,
                r._ingested_at,
                false AS _deleted,
                r._arrived,
                r.invoice_no AS "raw.invoice_no",
                r.stock_code AS "raw.stock_code",
                r.description AS "raw.description",
                r.quantity AS "raw.quantity",
                r.invoice_date AS "raw.invoice_date",
                r.unit_price AS "raw.unit_price",
                r.customer_id AS "raw.customer_id",
                r.country AS "raw.country",
                trim(invoice_no) AS "text.invoice_no",
                upper(trim(stock_code)) AS "text.stock_code",
                nullif(trim(description), '') AS "text.description",
                nullif(btrim(quantity), '') AS "text.quantity",
                nullif(btrim(invoice_date), '') AS "text.invoiced_at",
                nullif(btrim(unit_price), '') AS "text.unit_price",
                nullif(btrim(regexp_replace(customer_id, '\.0$', '')), '') AS "text.customer_id",
                trim(country) AS "text.country"
            FROM (
                SELECT e.*
                FROM (
                    SELECT
                        b._bronze_id,
                        b._batch_no,
                        b._ingested_at,
                        b._extra,
                        CASE WHEN c.patch ? 'invoice_no' THEN c.patch ->> 'invoice_no' ELSE b.invoice_no END AS invoice_no,
                        CASE WHEN c.patch ? 'stock_code' THEN c.patch ->> 'stock_code' ELSE b.stock_code END AS stock_code,
                        CASE WHEN c.patch ? 'description' THEN c.patch ->> 'description' ELSE b.description END AS description,
                        CASE WHEN c.patch ? 'quantity' THEN c.patch ->> 'quantity' ELSE b.quantity END AS quantity,
                        CASE WHEN c.patch ? 'invoice_date' THEN c.patch ->> 'invoice_date' ELSE b.invoice_date END AS invoice_date,
                        CASE WHEN c.patch ? 'unit_price' THEN c.patch ->> 'unit_price' ELSE b.unit_price END AS unit_price,
                        CASE WHEN c.patch ? 'customer_id' THEN c.patch ->> 'customer_id' ELSE b.customer_id END AS customer_id,
                        CASE WHEN c.patch ? 'country' THEN c.patch ->> 'country' ELSE b.country END AS country,
                        CASE WHEN c.patch IS NOT NULL THEN ARRAY[b.invoice_no, b.stock_code, b.description, b.quantity, b.invoice_date, b.unit_price, b.customer_id, b.country] END AS _arrived
                    FROM bronze.raw_invoice_lines_rows AS b
                    LEFT JOIN (
                        SELECT v.bronze_id, v.patch FROM dwh_lineage.effective_corrections AS v
                        WHERE v.target = 'silver.invoice_lines'
                            AND (in_rows IS NULL OR v.bronze_id = ANY (in_rows))
                            AND (in_batches IS NULL OR EXISTS (
                                SELECT 1 FROM dwh_lineage.corrections AS z
                                WHERE z.target = 'silver.invoice_lines' AND z.bronze_id BETWEEN
                                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (in_batches))
                                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i
                                         WHERE i.batch_no = ANY (in_batches))
                            ))
                    ) AS c ON c.bronze_id = b._bronze_id
                ) AS e
                WHERE NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.invoice_lines' AND x.bronze_id = e._bronze_id AND x.state = 'rejected'
                )
            ) AS r
            WHERE (in_batches IS NULL OR r._batch_no = ANY (in_batches))
                AND (in_batches IS NULL OR r._bronze_id BETWEEN
                    (SELECT min(b.first_bronze_id) FROM dwh_lineage.batches AS b WHERE b.batch_no = ANY (in_batches))
                    AND (SELECT max(b.last_bronze_id) FROM dwh_lineage.batches AS b
                         WHERE b.batch_no = ANY (in_batches)))
                AND (in_rows IS NULL OR r._bronze_id = ANY (in_rows))
                -- For the BRIN index, which knows ranges alone.
                AND (in_rows IS NULL OR r._bronze_id BETWEEN
                    (SELECT min(u.id) FROM unnest(in_rows) AS u (id))
                    AND (SELECT max(u.id) FROM unnest(in_rows) AS u (id)))
                AND (true)
            OFFSET 0
        ) AS t
        WHERE true
        OFFSET 0
    ) AS v
    OFFSET 0
) AS j
$routine$;

-- Loads what waits for silver.invoice_lines: good rows are appended, the others become exceptions. Takes the
-- run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_silver_invoice_lines(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_read bigint;
    l_good bigint;
    l_inserted bigint;
    l_rejected bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.invoice_lines', l_batch_id);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    PERFORM dwh_lineage.end_waivers('silver.invoice_lines');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_invoice_lines(l_load.taken, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    PERFORM dwh_etl.check_rules('silver.invoice_lines');
    PERFORM dwh_etl.record_rules('silver.invoice_lines', l_batch_id, l_read);

    INSERT INTO silver.invoice_lines (invoice_no, stock_code, description, quantity, invoiced_at, unit_price, customer_id, country, _source_bronze_id, _batch_id)
    SELECT e.invoice_no, e.stock_code, e.description, e.quantity, e.invoiced_at, e.unit_price, e.customer_id, e.country, e._bronze_id, l_batch_id
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL AND NOT e._deleted
    -- A batch that is taken again, after the watermark was moved back, brings nothing twice.
    ON CONFLICT (_source_bronze_id) DO NOTHING;
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    SELECT count(*) INTO l_good FROM pg_temp.evaluated AS e WHERE e._broken IS NULL AND NOT e._deleted;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.invoice_lines', 'bronze.raw_invoice_lines', l_load.load_batch);

    IF EXISTS (
        SELECT 1 FROM dwh_lineage.batch_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
        WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = 'silver.invoice_lines' AND b.batch_no <> l_load.load_batch
    ) OR EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.invoice_lines' AND x.batch_no <> l_load.load_batch
            AND x.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
        WHERE b.batch_no = ANY (l_load.taken)
    ) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.invoice_lines', l_load.load_batch, 'landed', 'holds its rules now'
        );
    END IF;

    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_invoice_lines', l_read), l_inserted, in_unchanged => l_good - l_inserted, in_rejected => l_rejected
    );
END
$routine$;

-- Makes silver.invoice_lines what bronze and the rules say, in place: only differences are written. Takes the
-- run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_silver_invoice_lines(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_read bigint;
    l_inserted bigint;
    l_updated bigint;
    l_deleted bigint;
    l_good bigint;
    l_rejected bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.invoice_lines', l_batch_id, true);
    PERFORM dwh_lineage.end_waivers('silver.invoice_lines');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_invoice_lines(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.invoice_lines' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    ANALYZE pg_temp.evaluated;

    DELETE FROM silver.invoice_lines AS s
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
    )
        -- Rows whose bronze row went by retention stay.
        AND EXISTS (SELECT 1 FROM bronze.raw_invoice_lines_rows AS b
                    WHERE b._bronze_id = s._source_bronze_id);
    GET DIAGNOSTICS l_deleted = ROW_COUNT;

    UPDATE silver.invoice_lines AS s
    SET invoice_no = e.invoice_no, stock_code = e.stock_code, description = e.description, quantity = e.quantity, invoiced_at = e.invoiced_at, unit_price = e.unit_price, customer_id = e.customer_id, country = e.country, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.evaluated AS e
    WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
        AND ROW(s.invoice_no, s.stock_code, s.description, s.quantity, s.invoiced_at, s.unit_price, s.customer_id, s.country) IS DISTINCT FROM ROW(e.invoice_no, e.stock_code, e.description, e.quantity, e.invoiced_at, e.unit_price, e.customer_id, e.country);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO silver.invoice_lines (invoice_no, stock_code, description, quantity, invoiced_at, unit_price, customer_id, country, _source_bronze_id, _batch_id)
    SELECT e.invoice_no, e.stock_code, e.description, e.quantity, e.invoiced_at, e.unit_price, e.customer_id, e.country, e._bronze_id, l_batch_id
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL
        AND NOT EXISTS (SELECT 1 FROM silver.invoice_lines AS s WHERE s._source_bronze_id = e._bronze_id);
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    SELECT count(*) INTO l_good FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.invoice_lines', 'bronze.raw_invoice_lines', l_load.load_batch);

    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.invoice_lines', l_load.load_batch, 'landed', 'holds the rules of the rebuild'
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT x.bronze_id
    FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.invoice_lines' AND x.state IN ('open', 'proposed', 'queued')
        AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
    PERFORM dwh_lineage.close_exceptions(
        'silver.invoice_lines', l_load.load_batch, 'superseded', 'the table does not take its row any more'
    );

    UPDATE dwh_lineage.targets SET needs_rebuild = false
    WHERE target = 'silver.invoice_lines' AND needs_rebuild;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_invoice_lines', l_read), l_inserted, l_updated, l_deleted, l_good - l_inserted - l_updated, l_rejected
    );
END
$routine$;

-- Applies a decision to rows of silver.invoice_lines's source and lands them, or takes them out. Takes the
-- decision, the bronze ids and the run's id; called by dwh_lineage.replay_chunk, which knows which rows are due.
-- Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.replay_silver_invoice_lines(in_decision bigint, in_rows bigint[], in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_rows bigint[];
    l_read bigint;
    l_inserted bigint;
    l_updated bigint;
    l_deleted bigint;
    l_rejected bigint;
BEGIN
    SELECT dwh_lineage.begin_replay('silver.invoice_lines', l_batch_id) AS load_batch INTO l_load;
    l_rows := dwh_lineage.apply_decision(in_decision);
    DROP TABLE IF EXISTS pg_temp.evaluated;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_invoice_lines(NULL, NULL, l_rows) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;
    PERFORM set_config('enable_nestloop', 'on', true);
    ANALYZE pg_temp.evaluated (_bronze_id, _batch_no, _broken);
    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions(
        'silver.invoice_lines', 'bronze.raw_invoice_lines', l_load.load_batch, in_decision
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.invoice_lines', l_load.load_batch, 'landed', 'decided', in_decision
    );
    IF l_read < cardinality(l_rows) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT x.bronze_id
        FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = 'silver.invoice_lines' AND x.state IN ('open', 'proposed', 'queued') AND x.bronze_id = ANY (l_rows)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
        PERFORM dwh_lineage.close_exceptions(
            'silver.invoice_lines', l_load.load_batch, 'superseded', 'the table does not take its row any more', in_decision
        );
    END IF;
    DELETE FROM silver.invoice_lines AS s
    WHERE s._source_bronze_id = ANY (l_rows) AND NOT EXISTS (
        SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
    );
    GET DIAGNOSTICS l_deleted = ROW_COUNT;

    UPDATE silver.invoice_lines AS s
    SET invoice_no = e.invoice_no, stock_code = e.stock_code, description = e.description, quantity = e.quantity, invoiced_at = e.invoiced_at, unit_price = e.unit_price, customer_id = e.customer_id, country = e.country, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.evaluated AS e
    WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
        AND ROW(s.invoice_no, s.stock_code, s.description, s.quantity, s.invoiced_at, s.unit_price, s.customer_id, s.country) IS DISTINCT FROM ROW(e.invoice_no, e.stock_code, e.description, e.quantity, e.invoiced_at, e.unit_price, e.customer_id, e.country);
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO silver.invoice_lines (invoice_no, stock_code, description, quantity, invoiced_at, unit_price, customer_id, country, _source_bronze_id, _batch_id)
    SELECT e.invoice_no, e.stock_code, e.description, e.quantity, e.invoiced_at, e.unit_price, e.customer_id, e.country, e._bronze_id, l_batch_id
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL
        AND NOT EXISTS (SELECT 1 FROM silver.invoice_lines AS s WHERE s._source_bronze_id = e._bronze_id);
    GET DIAGNOSTICS l_inserted = ROW_COUNT;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_invoice_lines', l_read),
        l_inserted, l_updated, l_deleted,
        greatest(l_read - l_rejected - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- What became of each row of bronze.raw_invoice_lines in silver.invoice_lines: exactly one outcome a row; NULL is a gap.
-- Reads the rows themselves. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.outcomes_silver_invoice_lines()
RETURNS TABLE (bronze_id bigint, outcome text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
SELECT r._bronze_id, CASE
    WHEN p.batch_no IS NOT NULL THEN 'waiting'
    WHEN k.batch_no IS NOT NULL THEN CASE WHEN s._source_bronze_id IS NOT NULL THEN NULL ELSE 'skipped' END
    WHEN x.state IN ('open', 'proposed', 'queued') THEN CASE WHEN s._source_bronze_id IS NOT NULL THEN NULL ELSE 'quarantined' END
    WHEN x.state = 'rejected' THEN CASE WHEN s._source_bronze_id IS NOT NULL THEN NULL ELSE 'rejected' END
    WHEN s._source_bronze_id IS NOT NULL THEN 'current'
    WHEN x.state = 'superseded' THEN 'superseded'
END
FROM bronze.raw_invoice_lines_rows AS r
LEFT JOIN silver.invoice_lines AS s ON s._source_bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.invoice_lines' AND x.bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.pendings AS p ON p.consumer = 'silver.invoice_lines' AND p.batch_no = r._batch_no
LEFT JOIN dwh_lineage.skips AS k ON k.consumer = 'silver.invoice_lines' AND k.batch_no = r._batch_no
$routine$;

-- Records what a load of silver.invoice_lines would reject, as exceptions and metrics, and loads nothing: to be
-- called after a load that its gate refused. The batches go on waiting. Takes the run's id. Locks the table's
-- row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.evidence_silver_invoice_lines(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_waiting bigint[];
    l_read bigint;
    l_rejected bigint;
BEGIN
    UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = 'silver.invoice_lines';
    l_waiting := ARRAY(SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.invoice_lines' ORDER BY 1);
    IF l_waiting = '{}' THEN
        RETURN;
    END IF;
    SELECT dwh_lineage.open_batch('silver.invoice_lines', 'load', l_batch_id) AS load_batch INTO l_load;
    PERFORM dwh_lineage.end_waivers('silver.invoice_lines');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_invoice_lines(l_waiting, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.invoice_lines', 'bronze.raw_invoice_lines', l_load.load_batch);

    PERFORM dwh_etl.record_rules('silver.invoice_lines', l_batch_id, l_read);
    PERFORM dwh_lineage.close_batch(l_load.load_batch, l_read, 0, in_rejected => l_rejected);
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
    replay_routine,
    outcomes_routine
)
VALUES (
    'silver.invoice_lines',
    'silver',
    'append',
    'retail',
    'Lines that were sold and can be billed. Every line is kept: two equal lines are two sales.',
     E'{"columns": [{"expression": "trim(invoice_no)", "name": "invoice_no", "rules": [{"condition": "btrim(invoice_no) <> ''''", "kind": "required", "message": "invoice_no is missing"}, {"condition": "invoice_no !~ ''^C''", "kind": "does_not_match", "message": "The invoice is a cancellation: its number starts with C", "pattern": "^C"}], "type": "text"}, {"expression": "upper(trim(stock_code))", "name": "stock_code", "rules": [{"condition": "btrim(stock_code) <> ''''", "kind": "required", "message": "stock_code is missing"}], "type": "text"}, {"expression": "nullif(trim(description), '''')", "name": "description", "type": "text"}, {"expression": "quantity", "name": "quantity", "rules": [{"bound": 0, "condition": "quantity > 0", "kind": "greater_than", "message": "quantity is not greater than 0"}], "type": "integer"}, {"expression": "invoice_date", "name": "invoiced_at", "rules": [{"condition": "invoiced_at IS NOT NULL", "kind": "required", "message": "invoiced_at is missing"}], "type": "timestamptz"}, {"expression": "unit_price", "name": "unit_price", "rules": [{"bound": 0, "condition": "unit_price > 0", "kind": "greater_than", "message": "unit_price is not greater than 0"}], "type": "numeric"}, {"expression": "regexp_replace(customer_id, ''\\\\.0$'', '''')", "name": "customer_id", "rules": [{"condition": "customer_id IS NOT NULL", "kind": "required", "message": "The customer is missing"}], "type": "integer"}, {"expression": "trim(country)", "name": "country", "type": "text"}], "description": "Lines that were sold and can be billed. Every line is kept: two equal lines are two sales.", "kind": "append", "layer": "silver", "name": "invoice_lines", "source": "bronze.raw_invoice_lines", "source_columns": ["invoice_no", "stock_code", "description", "quantity", "invoice_date", "unit_price", "customer_id", "country"]}'::jsonb,
    'silver.invoice_lines',
    'dwh_etl.load_silver_invoice_lines',
    'dwh_etl.rebuild_silver_invoice_lines',
    'dwh_etl.replay_silver_invoice_lines',
    'dwh_etl.outcomes_silver_invoice_lines'
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
    replay_routine = excluded.replay_routine,
    outcomes_routine = excluded.outcomes_routine;

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'silver.invoice_lines' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('silver.invoice_lines', 'invoice_no:required', 1, 'invoice_no', 'required', '{"condition": "btrim(invoice_no) <> ''''", "kind": "required", "message": "invoice_no is missing"}'::jsonb, 'invoice_no is missing', '6d273e333cbb', true, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'invoice_no:does_not_match', 2, 'invoice_no', 'does_not_match', '{"condition": "invoice_no !~ ''^C''", "kind": "does_not_match", "message": "The invoice is a cancellation: its number starts with C", "pattern": "^C"}'::jsonb, 'The invoice is a cancellation: its number starts with C', '92ece951a71a', true, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'stock_code:required', 3, 'stock_code', 'required', '{"condition": "btrim(stock_code) <> ''''", "kind": "required", "message": "stock_code is missing"}'::jsonb, 'stock_code is missing', 'e2d9571dad58', true, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'quantity:castable', 4, 'quantity', 'castable', '{"kind": "castable", "type": "integer"}'::jsonb, 'quantity is no whole number', '4012daaa9187', false, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'quantity:greater_than', 5, 'quantity', 'greater_than', '{"bound": 0, "condition": "quantity > 0", "kind": "greater_than", "message": "quantity is not greater than 0"}'::jsonb, 'quantity is not greater than 0', '64fd4b596eba', true, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'invoiced_at:castable', 6, 'invoiced_at', 'castable', '{"kind": "castable", "type": "timestamptz"}'::jsonb, 'invoiced_at is no timestamp', '511a02906e39', false, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'invoiced_at:required', 7, 'invoiced_at', 'required', '{"condition": "invoiced_at IS NOT NULL", "kind": "required", "message": "invoiced_at is missing"}'::jsonb, 'invoiced_at is missing', '1c89ec7ac1cb', true, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'unit_price:castable', 8, 'unit_price', 'castable', '{"kind": "castable", "type": "numeric"}'::jsonb, 'unit_price is no number', 'f4c1f05117e0', false, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'unit_price:greater_than', 9, 'unit_price', 'greater_than', '{"bound": 0, "condition": "unit_price > 0", "kind": "greater_than", "message": "unit_price is not greater than 0"}'::jsonb, 'unit_price is not greater than 0', '8d6c77f9aa2f', true, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'customer_id:castable', 10, 'customer_id', 'castable', '{"kind": "castable", "type": "integer"}'::jsonb, 'customer_id is no whole number', '4012daaa9187', false, 'quarantine', NULL, false, true),
    ('silver.invoice_lines', 'customer_id:required', 11, 'customer_id', 'required', '{"condition": "customer_id IS NOT NULL", "kind": "required", "message": "The customer is missing"}'::jsonb, 'The customer is missing', 'ef71ad93a122', true, 'quarantine', NULL, false, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('silver.invoice_lines', 'bronze.raw_invoice_lines');

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'silver.invoice_lines' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('bronze.raw_invoice_lines', 'invoice_no', 'silver.invoice_lines', 'invoice_no', 'trim(invoice_no)', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'stock_code', 'silver.invoice_lines', 'stock_code', 'upper(trim(stock_code))', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'description', 'silver.invoice_lines', 'description', 'nullif(trim(description), '''')', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'quantity', 'silver.invoice_lines', 'quantity', 'quantity', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'invoice_date', 'silver.invoice_lines', 'invoiced_at', 'invoice_date', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'unit_price', 'silver.invoice_lines', 'unit_price', 'unit_price', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'customer_id', 'silver.invoice_lines', 'customer_id',  E'regexp_replace(customer_id, ''\\.0$'', '''')', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'country', 'silver.invoice_lines', 'country', 'trim(country)', 'DIRECT', false);
