CREATE TABLE silver.retail_customers (
    retail_customer_sk bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    customer_id integer NOT NULL,
    country text,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    is_current boolean NOT NULL,
    _source_bronze_id bigint NOT NULL,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retail_customers_valid_range CHECK (valid_to > valid_from),
    CONSTRAINT retail_customers_current_is_open CHECK (is_current = (valid_to IS NULL))
);
COMMENT ON TABLE silver.retail_customers IS 'Where each customer has lived since when, from all lines that name a customer.';
CREATE UNIQUE INDEX silver_retail_customers_current_key ON silver.retail_customers (customer_id) WHERE is_current;
CREATE UNIQUE INDEX silver_retail_customers_history_idx ON silver.retail_customers (customer_id, valid_from);
CREATE TABLE dwh_staging.silver_retail_customers_base (
    _bronze_id bigint,
    _effective timestamptz,
    _deleted boolean,
    _file text,
    _checksum text,
    customer_id integer NOT NULL,
    country text
);
COMMENT ON TABLE dwh_staging.silver_retail_customers_base IS 'What silver.retail_customers folds in place of bronze rows that are gone';
CREATE INDEX ON dwh_staging.silver_retail_customers_base (customer_id);

-- Bronze rows of bronze.raw_invoice_lines as silver.retail_customers sees them: each expression and rule evaluated once.
-- in_batches: bronze batches, NULL for all. in_keys: keys as row text, NULL for all. in_rows: bronze ids, NULL for all.
-- _broken: positions of the broken rules, NULL for a good row; _warned: of those that only warn; _source_id, _seen,
-- _source_data: only for a row that breaks a rule.
-- No side effects; inlined into the statement that calls it (so no SET here: its callers pin the session's settings).
CREATE OR REPLACE FUNCTION dwh_etl.evaluate_silver_retail_customers(in_batches bigint[], in_keys text[], in_rows bigint[] DEFAULT NULL)
RETURNS TABLE (
    _bronze_id bigint,
    _batch_no bigint,
    _ingested_at timestamptz,
    _deleted boolean,
    customer_id integer,
    country text,
    invoiced_at timestamptz,
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
    j.customer_id,
    j.country,
    j.invoiced_at,
    CASE WHEN j._broken IS NULL OR NOT (EXISTS (SELECT 1 FROM dwh_lineage.waivers AS w WHERE w.target = 'silver.retail_customers') OR EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.retail_customers')) THEN j._broken
        ELSE (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.retail_customers' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND NOT coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.retail_customers' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _broken,
    CASE WHEN j._broken IS NOT NULL AND EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.retail_customers') THEN (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.retail_customers' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.retail_customers' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _warned,
    CASE WHEN j._broken IS NOT NULL THEN concat_ws('|', j."text.customer_id") END AS _source_id,
    CASE WHEN j._broken IS NOT NULL THEN jsonb_build_object(
            'customer_id', j."text.customer_id",
            'country', j."text.country",
            'invoiced_at', j."text.invoiced_at"
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
        v."text.customer_id",
        v."text.country",
        v."text.invoiced_at",
        v.customer_id,
        v.country,
        v.invoiced_at,
        CASE WHEN ("text.customer_id" IS NULL OR customer_id IS NOT NULL)
                AND (customer_id IS NOT NULL) IS TRUE
                AND ("text.invoiced_at" IS NULL OR invoiced_at IS NOT NULL)
                AND (invoiced_at IS NOT NULL) IS TRUE
                AND (coalesce(v.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.retail_customers' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.retail_customers' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.retail_customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.invoiced_at::timestamptz AND s.valid_to > v.invoiced_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_retail_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.invoiced_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.retail_customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.invoiced_at::timestamptz AND s.valid_to > v.invoiced_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers') AND ROW(s.country) IS NOT DISTINCT FROM ROW(v.country)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_retail_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.invoiced_at::timestamptz AND ROW(s.country) IS NOT DISTINCT FROM ROW(v.country)) END) THEN NULL
            ELSE array_remove(ARRAY[
                CASE WHEN NOT ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 1::smallint END,
                CASE WHEN NOT ((customer_id IS NOT NULL) IS TRUE) AND ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 2::smallint END,
                CASE WHEN NOT ("text.invoiced_at" IS NULL OR invoiced_at IS NOT NULL) THEN 3::smallint END,
                CASE WHEN NOT ((invoiced_at IS NOT NULL) IS TRUE) AND ("text.invoiced_at" IS NULL OR invoiced_at IS NOT NULL) THEN 4::smallint END,
                CASE WHEN NOT (coalesce(v.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.retail_customers' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.retail_customers' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.retail_customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.invoiced_at::timestamptz AND s.valid_to > v.invoiced_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_retail_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.invoiced_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.retail_customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.invoiced_at::timestamptz AND s.valid_to > v.invoiced_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers') AND ROW(s.country) IS NOT DISTINCT FROM ROW(v.country)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_retail_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.invoiced_at::timestamptz AND ROW(s.country) IS NOT DISTINCT FROM ROW(v.country)) END) THEN 5::smallint END
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
            t."text.customer_id",
            t."text.country",
            t."text.invoiced_at",
            dwh_etl.to_integer(t."text.customer_id") AS customer_id,
            t."text.country" AS country,
            dwh_etl.to_timestamptz(t."text.invoiced_at") AS invoiced_at
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
                nullif(btrim(regexp_replace(customer_id, '\.0$', '')), '') AS "text.customer_id",
                trim(country) AS "text.country",
                nullif(btrim(invoice_date), '') AS "text.invoiced_at"
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
                        WHERE v.target = 'silver.retail_customers'
                            AND (in_rows IS NULL OR v.bronze_id = ANY (in_rows))
                            AND (in_batches IS NULL OR EXISTS (
                                SELECT 1 FROM dwh_lineage.corrections AS z
                                WHERE z.target = 'silver.retail_customers' AND z.bronze_id BETWEEN
                                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (in_batches))
                                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i
                                         WHERE i.batch_no = ANY (in_batches))
                            ))
                    ) AS c ON c.bronze_id = b._bronze_id
                ) AS e
                WHERE NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.retail_customers' AND x.bronze_id = e._bronze_id AND x.state = 'rejected'
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
                AND ((customer_id IS NOT NULL) IS TRUE)
            OFFSET 0
        ) AS t
        WHERE (in_keys IS NULL OR ROW(dwh_etl.to_integer(t."text.customer_id"))::text = ANY (in_keys))
        OFFSET 0
    ) AS v
    OFFSET 0
) AS j
$routine$;

-- Folds the histories of the keys in pg_temp.fold_events; writes what differs to silver.retail_customers.
-- in_all: the events are all there are, so that other keys have no history. Called by the load and the rebuild,
-- which hold the table's row.
CREATE OR REPLACE PROCEDURE dwh_etl.fold_silver_retail_customers(in_batch_id uuid, in_all boolean, INOUT io_inserted bigint, INOUT io_updated bigint, INOUT io_deleted bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
BEGIN
    -- Keys that stand in the table, of those that are folded: most often few, and only their rows are looked at again.
    DROP TABLE IF EXISTS pg_temp.fold_keys;
    CREATE TEMP TABLE fold_keys ON COMMIT DROP AS
    SELECT DISTINCT e.customer_id FROM pg_temp.fold_events AS e
    WHERE NOT in_all AND EXISTS (SELECT 1 FROM silver.retail_customers AS x WHERE x.customer_id = e.customer_id);
    ANALYZE pg_temp.fold_keys;

    DROP TABLE IF EXISTS pg_temp.folded;
    CREATE TEMP TABLE folded ON COMMIT DROP AS
    SELECT f.*, s._source_bronze_id IS NOT NULL AS _stands,
        ROW(s.country, s.valid_to, s.is_current, s._source_bronze_id) IS DISTINCT FROM ROW(f.country, f.valid_to, f.is_current, f._source_bronze_id) AS _differs
    FROM (
        SELECT v.customer_id, v.country, v._effective AS valid_from, v._until AS valid_to, v._until IS NULL AS is_current,
            v._bronze_id AS _source_bronze_id
        FROM (
            SELECT k.*, lead(k._effective) OVER (PARTITION BY k.customer_id ORDER BY k._effective) AS _until
            FROM (
                SELECT c.*
                FROM (
                    SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.country) OVER history AS "was.country"
                    FROM (
                        SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.country, w._first AS _bronze_id
                        FROM (
                            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                            FROM pg_temp.fold_events AS e
                            WINDOW
                                last_first AS (
                                    PARTITION BY e.customer_id, e._effective
                                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                                ),
                                same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.country)
                        ) AS w
                        WHERE w._place = 1
                    ) AS h
                    WINDOW history AS (PARTITION BY h.customer_id ORDER BY h._effective)
                ) AS c
                WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.country) IS DISTINCT FROM ROW(c."was.country")))
            ) AS k
        ) AS v
        WHERE NOT v._deleted
    ) AS f
    LEFT JOIN (
        SELECT x.* FROM silver.retail_customers AS x WHERE in_all
        UNION ALL
        SELECT x.* FROM silver.retail_customers AS x JOIN pg_temp.fold_keys AS k ON k.customer_id = x.customer_id WHERE NOT in_all
    ) AS s ON s.customer_id = f.customer_id AND s.valid_from = f.valid_from;
    ANALYZE pg_temp.folded (customer_id, valid_from);

    -- What began before the horizon stays; the version that lasts over it is in the base.
    IF in_all THEN
        DELETE FROM silver.retail_customers AS s
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.customer_id = s.customer_id AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
    ELSE
        DELETE FROM silver.retail_customers AS s
        USING pg_temp.fold_keys AS k
        WHERE k.customer_id = s.customer_id AND NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.customer_id = s.customer_id AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
    END IF;
    GET DIAGNOSTICS io_deleted = ROW_COUNT;

    UPDATE silver.retail_customers AS s
    SET country = f.country, valid_to = f.valid_to, is_current = f.is_current, _source_bronze_id = f._source_bronze_id, _batch_id = in_batch_id, _loaded_at = now()
    FROM pg_temp.folded AS f
    WHERE f._stands AND f._differs AND f.customer_id = s.customer_id AND f.valid_from = s.valid_from;
    GET DIAGNOSTICS io_updated = ROW_COUNT;

    INSERT INTO silver.retail_customers (customer_id, country, valid_from, valid_to, is_current, _source_bronze_id, _batch_id)
    SELECT f.customer_id, f.country, f.valid_from, f.valid_to, f.is_current, f._source_bronze_id, in_batch_id
    FROM pg_temp.folded AS f
    WHERE NOT f._stands
    ORDER BY f.customer_id, f.valid_from;  -- the order of the index: neighbours are on one page
    GET DIAGNOSTICS io_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets AS t
    SET last_event_at = greatest(t.last_event_at, (SELECT max(e._effective) FROM pg_temp.fold_events AS e))
    WHERE t.target = 'silver.retail_customers';
END
$routine$;

-- Loads what waits for silver.retail_customers: newer events are appended to their keys' histories, late ones
-- fold theirs again; rows that break a rule become exceptions. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_silver_retail_customers(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_load record;
    l_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());
    l_seen_until timestamptz;
    l_gone_until timestamptz;
    l_read bigint;
    l_inserted bigint;
    l_updated bigint;
    l_deleted bigint := 0;
    l_events bigint;
    l_rejected bigint;
    l_late text[];
    l_late_inserted bigint;
    l_late_updated bigint;
    l_late_deleted bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.retail_customers', l_batch_id);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    SELECT t.last_event_at, t.last_gone_at INTO l_seen_until, l_gone_until FROM dwh_lineage.targets AS t
    WHERE t.target = 'silver.retail_customers';
    PERFORM dwh_lineage.end_waivers('silver.retail_customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(l_load.taken, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    PERFORM dwh_etl.check_rules('silver.retail_customers');
    PERFORM dwh_etl.record_rules('silver.retail_customers', l_batch_id, l_read);
    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.retail_customers', 'bronze.raw_invoice_lines', l_load.load_batch);

    IF EXISTS (
        SELECT 1 FROM dwh_lineage.batch_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
        WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = 'silver.retail_customers' AND b.batch_no <> l_load.load_batch
    ) OR EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.retail_customers' AND x.batch_no <> l_load.load_batch
            AND x.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
        WHERE b.batch_no = ANY (l_load.taken)
    ) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.retail_customers', l_load.load_batch, 'landed', 'holds its rules now'
        );
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT x.bronze_id
        FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = 'silver.retail_customers' AND x.state IN ('open', 'proposed', 'queued')
            AND EXISTS (
                SELECT 1 FROM bronze.raw_invoice_lines_rows AS b
                WHERE b._bronze_id = x.bronze_id AND b._batch_no = ANY (l_load.taken) AND b._bronze_id BETWEEN
                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (l_load.taken))
                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (l_load.taken))
            )
            AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
        PERFORM dwh_lineage.close_exceptions(
            'silver.retail_customers', l_load.load_batch, 'superseded', 'the table does not take its row any more'
        );
    END IF;
    DROP TABLE IF EXISTS pg_temp.events;
    CREATE TEMP TABLE events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.invoiced_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.country
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
    l_events := l_read - l_rejected;
    ANALYZE pg_temp.events;
    DROP TABLE IF EXISTS pg_temp.touched;
    CREATE TEMP TABLE touched ON COMMIT DROP AS
    SELECT n.*, (n._effective <= l_seen_until AND n._stands) IS TRUE AS _late
    FROM (
        SELECT g.*, EXISTS (SELECT 1 FROM silver.retail_customers AS x WHERE x.customer_id = g.customer_id) AS _stands
        FROM (
            SELECT e.customer_id, min(e._effective) AS _effective
            FROM pg_temp.events AS e
            LEFT JOIN silver.retail_customers AS s ON s.customer_id = e.customer_id
                AND s.valid_from <= e._effective AND (s.valid_to > e._effective OR s.valid_to IS NULL)
            WHERE CASE WHEN e._deleted THEN s._source_bronze_id IS NOT NULL
                ELSE s._source_bronze_id IS NULL OR NOT (ROW(s.country) IS NOT DISTINCT FROM ROW(e.country))
                    -- The same at the very same time, but earlier in bronze: it becomes the version's source.
                    OR (s.valid_from = e._effective AND s._source_bronze_id > e._bronze_id) END
            GROUP BY e.customer_id
        ) AS g
        OFFSET 0
    ) AS n;
    ANALYZE pg_temp.touched;
    DROP TABLE IF EXISTS pg_temp.fresh;
    CREATE TEMP TABLE fresh ON COMMIT DROP AS
    SELECT e.*
    FROM pg_temp.events AS e
    JOIN pg_temp.touched AS t ON t.customer_id = e.customer_id
    WHERE NOT t._late AND (l_seen_until IS NULL OR e._effective > l_seen_until OR NOT t._stands);

    DROP TABLE IF EXISTS pg_temp.changes;
    CREATE TEMP TABLE changes ON COMMIT DROP AS
    SELECT k.*, lead(k._effective) OVER (PARTITION BY k.customer_id ORDER BY k._effective) AS _until
    FROM (
        SELECT c.*
        FROM (
            SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.country) OVER history AS "was.country"
            FROM (
                SELECT w._bronze_id, w._effective, w._deleted, false AS _stands, w.customer_id, w.country
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.country, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM pg_temp.fresh AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.customer_id, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.country)
                    ) AS w
                    WHERE w._place = 1
                ) AS w
                UNION ALL
                SELECT s._source_bronze_id, s.valid_from, false, true, s.customer_id, s.country
                FROM silver.retail_customers AS s
                JOIN pg_temp.touched AS t ON t.customer_id = s.customer_id
                WHERE s.is_current AND NOT t._late
            ) AS h
            WINDOW history AS (PARTITION BY h.customer_id ORDER BY h._effective)
        ) AS c
        WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.country) IS DISTINCT FROM ROW(c."was.country")))
    ) AS k;
    ANALYZE pg_temp.changes;

    UPDATE silver.retail_customers AS s
    SET valid_to = c._until, is_current = c._until IS NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.changes AS c
    WHERE c._stands AND s.is_current AND s.customer_id = c.customer_id AND c._until IS NOT NULL;
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO silver.retail_customers (
        customer_id, country, valid_from, valid_to, is_current, _source_bronze_id, _batch_id
    )
    SELECT c.customer_id, c.country, c._effective, c._until, c._until IS NULL, c._bronze_id, l_batch_id
    FROM pg_temp.changes AS c
    WHERE NOT c._deleted AND NOT c._stands;
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    SELECT array_agg(ROW(t.customer_id)::text) INTO l_late
    FROM pg_temp.touched AS t WHERE t._late;
    IF l_late IS NOT NULL THEN
        DROP TABLE IF EXISTS pg_temp.again;
        CREATE TEMP TABLE again ON COMMIT DROP AS
        SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(NULL, l_late) AS v WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.retail_customers' AND k.batch_no = v._batch_no);
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.again AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.retail_customers', l_load.load_batch, 'landed', 'holds its rules now'
        );
        DROP TABLE IF EXISTS pg_temp.fold_events;
        CREATE TEMP TABLE fold_events ON COMMIT DROP AS
        SELECT
            e._bronze_id,
            e.invoiced_at::timestamptz AS _effective,
            e._deleted,
            b.source_file AS _file,
            b.source_checksum AS _checksum,
            e.customer_id,
            e.country
        FROM pg_temp.again AS e
        JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
        WHERE e._broken IS NULL AND coalesce(e.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
        INSERT INTO pg_temp.fold_events
        SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.country
        FROM dwh_staging.silver_retail_customers_base AS z
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t._late AND t.customer_id = z.customer_id);
        CALL dwh_etl.fold_silver_retail_customers(l_batch_id, false, l_late_inserted, l_late_updated, l_late_deleted);
        l_inserted := l_inserted + l_late_inserted;
        l_updated := l_updated + l_late_updated;
        l_deleted := l_deleted + l_late_deleted;
    END IF;

    UPDATE dwh_lineage.targets
    SET last_event_at = greatest(last_event_at, (SELECT max(e._effective) FROM pg_temp.events AS e))
    WHERE target = 'silver.retail_customers';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_invoice_lines', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted, 0), l_rejected
    );
END
$routine$;

-- Makes silver.retail_customers what bronze and the rules say, in place: only differences are written, and a
-- version that did not change keeps its surrogate key. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_silver_retail_customers(in_batch_id uuid DEFAULT NULL)
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
    l_events bigint;
    l_rejected bigint;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.retail_customers', l_batch_id, true);
    PERFORM dwh_lineage.end_waivers('silver.retail_customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.retail_customers' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.retail_customers', 'bronze.raw_invoice_lines', l_load.load_batch);

    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.retail_customers', l_load.load_batch, 'landed', 'holds the rules of the rebuild'
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT x.bronze_id
    FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.retail_customers' AND x.state IN ('open', 'proposed', 'queued')
        AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
    PERFORM dwh_lineage.close_exceptions(
        'silver.retail_customers', l_load.load_batch, 'superseded', 'the table does not take its row any more'
    );

    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.invoiced_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.country
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
    l_events := l_read - l_rejected;
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.country
    FROM dwh_staging.silver_retail_customers_base AS z;
    CALL dwh_etl.fold_silver_retail_customers(l_batch_id, true, l_inserted, l_updated, l_deleted);

    UPDATE dwh_lineage.targets
    SET last_event_at = (SELECT max(e._effective) FROM pg_temp.fold_events AS e), needs_rebuild = false
    WHERE target = 'silver.retail_customers';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_invoice_lines', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- Keeps what silver.retail_customers says at in_horizon, as the base of later folds. Called by
-- dwh_etl.retire_partitions before it drops rows, which holds the table's row and moves its horizon.
CREATE OR REPLACE PROCEDURE dwh_etl.freeze_silver_retail_customers(in_horizon timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_read bigint;
BEGIN
    PERFORM dwh_lineage.end_waivers('silver.retail_customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.retail_customers' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    -- What no load has taken, what waits for a person, and what one has rejected meanwhile is no part of the history.
    DELETE FROM pg_temp.evaluated AS e
    USING dwh_lineage.pendings AS p
    WHERE p.consumer = 'silver.retail_customers' AND p.batch_no = e._batch_no;
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.invoiced_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.country
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
    DELETE FROM pg_temp.fold_events AS f
    USING dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.retail_customers' AND x.bronze_id = f._bronze_id
        AND (x.state IN ('open', 'proposed', 'queued') OR x.state = 'rejected');
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.country
    FROM dwh_staging.silver_retail_customers_base AS z;

    DROP TABLE IF EXISTS pg_temp.frozen;
    CREATE TEMP TABLE frozen ON COMMIT DROP AS
    SELECT k._bronze_id, k._effective, k._deleted, NULL::text AS _file, NULL::text AS _checksum, k.customer_id, k.country
    FROM (
        SELECT DISTINCT ON (k.customer_id) k.*
        FROM (
            SELECT c.*
            FROM (
                SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.country) OVER history AS "was.country"
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.country, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM (SELECT f.* FROM pg_temp.fold_events AS f WHERE f._effective < in_horizon) AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.customer_id, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.country)
                    ) AS w
                    WHERE w._place = 1
                ) AS h
                WINDOW history AS (PARTITION BY h.customer_id ORDER BY h._effective)
            ) AS c
            WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.country) IS DISTINCT FROM ROW(c."was.country")))
        ) AS k
        ORDER BY k.customer_id, k._effective DESC
    ) AS k
    WHERE NOT k._deleted
    UNION ALL
    -- Events of rows that go, or went, which take effect only after the horizon.
    SELECT e.*
    FROM pg_temp.fold_events AS e
    WHERE e._effective >= in_horizon AND e._bronze_id <> 0 AND NOT EXISTS (
        SELECT 1 FROM pg_temp.evaluated AS v WHERE v._bronze_id = e._bronze_id AND v._ingested_at >= in_horizon
    );

    DELETE FROM dwh_staging.silver_retail_customers_base;
    INSERT INTO dwh_staging.silver_retail_customers_base (_bronze_id, _effective, _deleted, _file, _checksum, customer_id, country)
    SELECT f._bronze_id, f._effective, f._deleted, f._file, f._checksum, f.customer_id, f.country FROM pg_temp.frozen AS f;
END
$routine$;

-- Applies a decision to rows of silver.retail_customers's source and lands them, or takes them out. Takes the
-- decision, the bronze ids and the run's id; called by dwh_lineage.replay_chunk, which knows which rows are due.
-- Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.replay_silver_retail_customers(in_decision bigint, in_rows bigint[], in_batch_id uuid DEFAULT NULL)
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
    l_landed bigint[];
    l_keys text[];
    l_gone bigint;
    l_gone_until timestamptz;
BEGIN
    -- What lies in the table now may leave its key: that is folded again, too. Only an undo is about such rows.
    l_landed := ARRAY(
        SELECT e.bronze_id FROM dwh_lineage.quality_exceptions AS e
        WHERE e.target_table = 'silver.retail_customers' AND e.bronze_id = ANY (in_rows) AND e.state = 'landed'
            AND EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision AND d.verb = 'undo')
    );
    IF l_landed <> '{}' THEN
        l_keys := ARRAY(
            SELECT DISTINCT ROW(v.customer_id)::text
            FROM dwh_etl.evaluate_silver_retail_customers(NULL, NULL, l_landed) AS v WHERE v._broken IS NULL
        );
    END IF;
    SELECT dwh_lineage.begin_replay('silver.retail_customers', l_batch_id) AS load_batch INTO l_load;
    l_rows := dwh_lineage.apply_decision(in_decision);
    DROP TABLE IF EXISTS pg_temp.evaluated;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(NULL, NULL, l_rows) AS v;
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
        'silver.retail_customers', 'bronze.raw_invoice_lines', l_load.load_batch, in_decision
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.retail_customers', l_load.load_batch, 'landed', 'decided', in_decision
    );
    IF l_read < cardinality(l_rows) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT x.bronze_id
        FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = 'silver.retail_customers' AND x.state IN ('open', 'proposed', 'queued') AND x.bronze_id = ANY (l_rows)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
        PERFORM dwh_lineage.close_exceptions(
            'silver.retail_customers', l_load.load_batch, 'superseded', 'the table does not take its row any more', in_decision
        );
    END IF;
    SELECT t.last_gone_at INTO l_gone_until FROM dwh_lineage.targets AS t WHERE t.target = 'silver.retail_customers';
    l_keys := l_keys || ARRAY(
        SELECT DISTINCT ROW(n.customer_id)::text
        FROM (
            SELECT e.*, e.invoiced_at::timestamptz AS _effective
            FROM pg_temp.evaluated AS e JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
            WHERE e._broken IS NULL
        ) AS n
        WHERE EXISTS (SELECT 1 FROM silver.retail_customers AS x WHERE x.customer_id = n.customer_id)
    );
    DROP TABLE IF EXISTS pg_temp.again;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE again ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(NULL, l_keys) AS v WHERE l_keys <> '{}' AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.retail_customers' AND k.batch_no = v._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.retail_customers' AND p.batch_no = v._batch_no);
    PERFORM set_config('enable_nestloop', 'on', true);
    INSERT INTO pg_temp.again
    SELECT e.* FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL AND ROW(e.customer_id)::text <> ALL (l_keys) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.retail_customers' AND k.batch_no = e._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.retail_customers' AND p.batch_no = e._batch_no);
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.invoiced_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.country
    FROM pg_temp.again AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true);
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.country
    FROM dwh_staging.silver_retail_customers_base AS z
    WHERE ROW(z.customer_id)::text = ANY (l_keys);
    CALL dwh_etl.fold_silver_retail_customers(l_batch_id, false, l_inserted, l_updated, l_deleted);
    IF l_landed <> '{}' THEN
        DELETE FROM silver.retail_customers AS s
        WHERE ROW(s.customer_id)::text = ANY (l_keys)
            AND coalesce(s.valid_from::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.fold_events AS e WHERE e.customer_id = s.customer_id);
        GET DIAGNOSTICS l_gone = ROW_COUNT;
        l_deleted := l_deleted + l_gone;
    END IF;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_invoice_lines', l_read),
        l_inserted, l_updated, l_deleted,
        greatest(l_read - l_rejected - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- What became of each row of bronze.raw_invoice_lines in silver.retail_customers: exactly one outcome a row; NULL is a gap.
-- Reads the rows themselves. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.outcomes_silver_retail_customers()
RETURNS TABLE (bronze_id bigint, outcome text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
WITH events AS MATERIALIZED (
    SELECT v._bronze_id, v.invoiced_at::timestamptz AS _effective, v._deleted, b.source_file AS _file, b.source_checksum AS _checksum, v.customer_id, v.country, coalesce(v.invoiced_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.retail_customers'), true) AS _live
    FROM dwh_etl.evaluate_silver_retail_customers(NULL, NULL) AS v
    JOIN dwh_lineage.batches AS b ON b.batch_no = v._batch_no
    WHERE v._broken IS NULL AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.retail_customers' AND k.batch_no = v._batch_no) AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.pendings AS p
        WHERE p.consumer = 'silver.retail_customers' AND p.batch_no = v._batch_no
    )
    UNION ALL
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.country, true
    FROM dwh_staging.silver_retail_customers_base AS z
), moments AS MATERIALIZED (
    -- One row for each key and time; _changes: the history must have a version that begins there, or end there.
    SELECT c._effective, c._deleted, c._bronze_id, c.customer_id, c.country,
        c._deleted <> coalesce(c._was_absent, true)
            OR (NOT c._deleted AND ROW(c.country) IS DISTINCT FROM ROW(c."was.country")) AS _changes
    FROM (
        SELECT x.*, lag(x._deleted) OVER history AS _was_absent, lag(x.country) OVER history AS "was.country"
        FROM (
        SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.country, w._first AS _bronze_id
        FROM (
            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
            FROM (SELECT v.* FROM events AS v WHERE v._live) AS e
            WINDOW
                last_first AS (
                    PARTITION BY e.customer_id, e._effective
                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                ),
                same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.country)
        ) AS w
        WHERE w._place = 1
        ) AS x
        WINDOW history AS (PARTITION BY x.customer_id ORDER BY x._effective)
    ) AS c
), said AS (
    SELECT e._bronze_id, CASE
        WHEN w._changes AND NOT w._deleted AND s._source_bronze_id IS NULL THEN NULL
        -- Two deletes say the same, whatever values they carry.
        WHEN e._deleted AND w._deleted THEN 'deleted'
        WHEN s._source_bronze_id = e._bronze_id AND s.is_current THEN 'current'
        WHEN s._source_bronze_id = e._bronze_id THEN 'history'
        WHEN NOT (ROW(e._deleted, e.country) IS NOT DISTINCT FROM ROW(w._deleted, w.country)) THEN 'superseded'
        ELSE 'unchanged'
    END AS outcome
    FROM events AS e
    JOIN moments AS w ON w.customer_id = e.customer_id AND w._effective = e._effective
    LEFT JOIN silver.retail_customers AS s
        ON s.customer_id = e.customer_id AND s.valid_from = e._effective AND w._changes
    WHERE e._live
    UNION ALL
    -- Before the horizon nothing is folded again; the row that says what holds there is in the base.
    SELECT e._bronze_id, CASE WHEN EXISTS (SELECT 1 FROM silver.retail_customers AS s WHERE s._source_bronze_id = e._bronze_id) THEN 'history' ELSE 'frozen' END
    FROM events AS e
    WHERE NOT e._live
        AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_retail_customers_base AS z WHERE z._bronze_id = e._bronze_id)
)
SELECT r._bronze_id, CASE
    WHEN p.batch_no IS NOT NULL THEN 'waiting'
    WHEN k.batch_no IS NOT NULL THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'skipped' END
    WHEN x.state IN ('open', 'proposed', 'queued') THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'quarantined' END
    WHEN x.state = 'rejected' THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'rejected' END
    WHEN d._bronze_id IS NOT NULL THEN d.outcome
    WHEN NOT r._wanted THEN 'excluded'
    WHEN x.state = 'superseded' THEN 'superseded'
END
FROM (SELECT r._bronze_id, r._batch_no, (customer_id IS NOT NULL) IS TRUE AS _wanted
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
        WHERE v.target = 'silver.retail_customers'
    ) AS c ON c.bronze_id = b._bronze_id
) AS r) AS r
LEFT JOIN said AS d ON d._bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.retail_customers' AND x.bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.pendings AS p ON p.consumer = 'silver.retail_customers' AND p.batch_no = r._batch_no
LEFT JOIN dwh_lineage.skips AS k ON k.consumer = 'silver.retail_customers' AND k.batch_no = r._batch_no
$routine$;

-- Records what a load of silver.retail_customers would reject, as exceptions and metrics, and loads nothing: to
-- be called after a load that its gate refused. The batches go on waiting. Takes the run's id. Locks the table's
-- row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.evidence_silver_retail_customers(in_batch_id uuid DEFAULT NULL)
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
    UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = 'silver.retail_customers';
    l_waiting := ARRAY(SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.retail_customers' ORDER BY 1);
    IF l_waiting = '{}' THEN
        RETURN;
    END IF;
    SELECT dwh_lineage.open_batch('silver.retail_customers', 'load', l_batch_id) AS load_batch INTO l_load;
    PERFORM dwh_lineage.end_waivers('silver.retail_customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_retail_customers(l_waiting, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.retail_customers', 'bronze.raw_invoice_lines', l_load.load_batch);

    PERFORM dwh_etl.record_rules('silver.retail_customers', l_batch_id, l_read);
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
    'silver.retail_customers',
    'silver',
    'scd2',
    'retail',
    'Where each customer has lived since when, from all lines that name a customer.',
     E'{"columns": [{"expression": "regexp_replace(customer_id, ''\\\\.0$'', '''')", "name": "customer_id", "type": "integer"}, {"expression": "trim(country)", "name": "country", "type": "text"}, {"expression": "invoice_date", "name": "invoiced_at", "type": "timestamptz"}], "description": "Where each customer has lived since when, from all lines that name a customer.", "effective": "invoiced_at", "key": ["customer_id"], "kind": "scd2", "layer": "silver", "name": "retail_customers", "source": "bronze.raw_invoice_lines", "source_columns": ["invoice_no", "stock_code", "description", "quantity", "invoice_date", "unit_price", "customer_id", "country"], "where": "customer_id IS NOT NULL"}'::jsonb,
    'silver.retail_customers',
    'dwh_etl.load_silver_retail_customers',
    'dwh_etl.rebuild_silver_retail_customers',
    'dwh_etl.replay_silver_retail_customers',
    'dwh_etl.outcomes_silver_retail_customers'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'silver.retail_customers' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('silver.retail_customers', 'customer_id:castable', 1, 'customer_id', 'castable', '{"kind": "castable", "type": "integer"}'::jsonb, 'customer_id is no whole number', '4012daaa9187', false, 'quarantine', NULL, false, true),
    ('silver.retail_customers', 'customer_id:required', 2, 'customer_id', 'required', '{"condition": "customer_id IS NOT NULL", "kind": "required", "message": "customer_id is missing"}'::jsonb, 'customer_id is missing', 'ef71ad93a122', false, 'quarantine', NULL, false, true),
    ('silver.retail_customers', 'invoiced_at:castable', 3, 'invoiced_at', 'castable', '{"kind": "castable", "type": "timestamptz"}'::jsonb, 'invoiced_at is no timestamp', '511a02906e39', false, 'quarantine', NULL, false, true),
    ('silver.retail_customers', 'invoiced_at:required', 4, 'invoiced_at', 'required', '{"condition": "invoiced_at IS NOT NULL", "kind": "required", "message": "invoiced_at is missing"}'::jsonb, 'invoiced_at is missing', '1c89ec7ac1cb', false, 'quarantine', NULL, false, true),
    ('silver.retail_customers', 'invoiced_at:before_horizon', 5, 'invoiced_at', 'before_horizon', '{"kind": "before_horizon", "message": "invoiced_at lies before the fold horizon, and would change history that is settled"}'::jsonb, 'invoiced_at lies before the fold horizon, and would change history that is settled', 'a9a3d8865c5d', false, 'quarantine', NULL, false, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('silver.retail_customers', 'bronze.raw_invoice_lines');

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'silver.retail_customers' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('bronze.raw_invoice_lines', 'customer_id', 'silver.retail_customers', 'customer_id',  E'regexp_replace(customer_id, ''\\.0$'', '''')', 'DIRECT', true),
    ('bronze.raw_invoice_lines', 'country', 'silver.retail_customers', 'country', 'trim(country)', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'invoice_date', 'silver.retail_customers', 'valid_from', 'invoice_date', 'DIRECT', false),
    ('bronze.raw_invoice_lines', 'customer_id', 'silver.retail_customers', '*', 'customer_id IS NOT NULL', 'INDIRECT', false);
