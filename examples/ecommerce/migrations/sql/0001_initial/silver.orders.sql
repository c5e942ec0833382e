CREATE TABLE silver.orders (
    order_sk bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    order_id uuid NOT NULL,
    customer_id uuid,
    ordered_at timestamptz,
    status text,
    total numeric(12,2),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    is_current boolean NOT NULL,
    _source_bronze_id bigint NOT NULL,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_valid_range CHECK (valid_to > valid_from),
    CONSTRAINT orders_current_is_open CHECK (is_current = (valid_to IS NULL)),
    CONSTRAINT status_values CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'returned'))
);
COMMENT ON TABLE silver.orders IS 'One row for each order and status it went through.';
CREATE UNIQUE INDEX silver_orders_current_key ON silver.orders (order_id) WHERE is_current;
CREATE UNIQUE INDEX silver_orders_history_idx ON silver.orders (order_id, valid_from);
CREATE TABLE dwh_staging.silver_orders_base (
    _bronze_id bigint,
    _effective timestamptz,
    _deleted boolean,
    _file text,
    _checksum text,
    order_id uuid NOT NULL,
    customer_id uuid,
    ordered_at timestamptz,
    status text,
    total numeric(12,2)
);
COMMENT ON TABLE dwh_staging.silver_orders_base IS 'What silver.orders folds in place of bronze rows that are gone';
CREATE INDEX ON dwh_staging.silver_orders_base (order_id);

-- Bronze rows of bronze.raw_orders as silver.orders sees them: each expression and rule evaluated once.
-- in_batches: bronze batches, NULL for all. in_keys: keys as row text, NULL for all. in_rows: bronze ids, NULL for all.
-- _broken: positions of the broken rules, NULL for a good row; _warned: of those that only warn; _source_id, _seen,
-- _source_data: only for a row that breaks a rule.
-- No side effects; inlined into the statement that calls it (so no SET here: its callers pin the session's settings).
CREATE OR REPLACE FUNCTION dwh_etl.evaluate_silver_orders(in_batches bigint[], in_keys text[], in_rows bigint[] DEFAULT NULL)
RETURNS TABLE (
    _bronze_id bigint,
    _batch_no bigint,
    _ingested_at timestamptz,
    _deleted boolean,
    order_id uuid,
    customer_id uuid,
    ordered_at timestamptz,
    status text,
    total numeric(12,2),
    updated_at timestamptz,
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
    j.order_id,
    j.customer_id,
    j.ordered_at,
    j.status,
    j.total,
    j.updated_at,
    CASE WHEN j._broken IS NULL OR NOT (EXISTS (SELECT 1 FROM dwh_lineage.waivers AS w WHERE w.target = 'silver.orders') OR EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.orders')) THEN j._broken
        ELSE (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.orders' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND NOT coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.orders' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _broken,
    CASE WHEN j._broken IS NOT NULL AND EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.orders') THEN (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.orders' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.orders' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _warned,
    CASE WHEN j._broken IS NOT NULL THEN concat_ws('|', j."text.order_id") END AS _source_id,
    CASE WHEN j._broken IS NOT NULL THEN jsonb_build_object(
            'order_id', j."text.order_id",
            'customer_id', j."text.customer_id",
            'ordered_at', j."text.ordered_at",
            'status', j."text.status",
            'total', j."text.total",
            'updated_at', j."text.updated_at"
        ) END AS _seen,
    CASE WHEN j._broken IS NULL THEN NULL
            WHEN j._arrived IS NOT NULL THEN jsonb_build_object(
            'id', j._arrived[1],
            'customer_id', j._arrived[2],
            'order_date', j._arrived[3],
            'status', j._arrived[4],
            'total', j._arrived[5],
            'updated_date', j._arrived[6],
            'op', j._arrived[7]
        )
            ELSE jsonb_build_object(
            'id', j."raw.id",
            'customer_id', j."raw.customer_id",
            'order_date', j."raw.order_date",
            'status', j."raw.status",
            'total', j."raw.total",
            'updated_date', j."raw.updated_date",
            'op', j."raw.op"
        ) END AS _source_data
FROM (
    SELECT
        v._bronze_id,
        v._batch_no,
        v._ingested_at,
        v._deleted,
        v._arrived,
        v."raw.id",
        v."raw.customer_id",
        v."raw.order_date",
        v."raw.status",
        v."raw.total",
        v."raw.updated_date",
        v."raw.op",
        v."text.order_id",
        v."text.customer_id",
        v."text.ordered_at",
        v."text.status",
        v."text.total",
        v."text.updated_at",
        v.order_id,
        v.customer_id,
        v.ordered_at,
        v.status,
        v.total,
        v.updated_at,
        CASE WHEN ("text.order_id" IS NULL OR order_id IS NOT NULL)
                AND (order_id IS NOT NULL) IS TRUE
                AND ("text.updated_at" IS NULL OR updated_at IS NOT NULL)
                AND (updated_at IS NOT NULL) IS TRUE
                AND (coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.orders' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.orders' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.orders AS s WHERE s.order_id = v.order_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_orders_base AS s WHERE s.order_id = v.order_id AND s._effective <= v.updated_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.orders AS s WHERE s.order_id = v.order_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders') AND ROW(s.customer_id, s.ordered_at, s.status, s.total) IS NOT DISTINCT FROM ROW(v.customer_id, v.ordered_at, v.status, v.total)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_orders_base AS s WHERE s.order_id = v.order_id AND s._effective <= v.updated_at::timestamptz AND ROW(s.customer_id, s.ordered_at, s.status, s.total) IS NOT DISTINCT FROM ROW(v.customer_id, v.ordered_at, v.status, v.total)) END)
                AND (v._deleted OR (
                    ("text.customer_id" IS NULL OR customer_id IS NOT NULL)
                    AND (customer_id IS NOT NULL) IS TRUE
                    AND ("text.ordered_at" IS NULL OR ordered_at IS NOT NULL)
                    AND (ordered_at IS NOT NULL) IS TRUE
                    AND (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'returned')) IS TRUE
                    AND ("text.total" IS NULL OR total IS NOT NULL)
                    AND (total >= 0) IS TRUE
                )) THEN NULL
            ELSE array_remove(ARRAY[
                CASE WHEN NOT ("text.order_id" IS NULL OR order_id IS NOT NULL) THEN 1::smallint END,
                CASE WHEN NOT ((order_id IS NOT NULL) IS TRUE) AND ("text.order_id" IS NULL OR order_id IS NOT NULL) THEN 2::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 3::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((customer_id IS NOT NULL) IS TRUE) AND ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 4::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.ordered_at" IS NULL OR ordered_at IS NOT NULL) THEN 5::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((ordered_at IS NOT NULL) IS TRUE) AND ("text.ordered_at" IS NULL OR ordered_at IS NOT NULL) THEN 6::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'returned')) IS TRUE) THEN 7::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.total" IS NULL OR total IS NOT NULL) THEN 8::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((total >= 0) IS TRUE) AND ("text.total" IS NULL OR total IS NOT NULL) THEN 9::smallint END,
                CASE WHEN NOT ("text.updated_at" IS NULL OR updated_at IS NOT NULL) THEN 10::smallint END,
                CASE WHEN NOT ((updated_at IS NOT NULL) IS TRUE) AND ("text.updated_at" IS NULL OR updated_at IS NOT NULL) THEN 11::smallint END,
                CASE WHEN NOT (coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.orders' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.orders' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.orders AS s WHERE s.order_id = v.order_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_orders_base AS s WHERE s.order_id = v.order_id AND s._effective <= v.updated_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.orders AS s WHERE s.order_id = v.order_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders') AND ROW(s.customer_id, s.ordered_at, s.status, s.total) IS NOT DISTINCT FROM ROW(v.customer_id, v.ordered_at, v.status, v.total)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_orders_base AS s WHERE s.order_id = v.order_id AND s._effective <= v.updated_at::timestamptz AND ROW(s.customer_id, s.ordered_at, s.status, s.total) IS NOT DISTINCT FROM ROW(v.customer_id, v.ordered_at, v.status, v.total)) END) THEN 12::smallint END
            ], NULL) END AS _broken
    FROM (
        SELECT
            t._bronze_id,
            t._batch_no,
            t._ingested_at,
            t._deleted,
            t._arrived,
            t."raw.id",
            t."raw.customer_id",
            t."raw.order_date",
            t."raw.status",
            t."raw.total",
            t."raw.updated_date",
            t."raw.op",
            t."text.order_id",
            t."text.customer_id",
            t."text.ordered_at",
            t."text.status",
            t."text.total",
            t."text.updated_at",
            dwh_etl.to_uuid(t."text.order_id") AS order_id,
            dwh_etl.to_uuid(t."text.customer_id") AS customer_id,
            dwh_etl.to_timestamptz(t."text.ordered_at") AS ordered_at,
            t."text.status" AS status,
            dwh_etl.to_numeric_of_scale(t."text.total", 2, 12) AS total,
            dwh_etl.to_timestamptz(t."text.updated_at") AS updated_at
        FROM (
            SELECT
                r._bronze_id,
                r._batch_no,
                r._ingested_at,
                (op = 'D') IS TRUE AS _deleted,
                r._arrived,
                r.id AS "raw.id",
                r.customer_id AS "raw.customer_id",
                r.order_date AS "raw.order_date",
                r.status AS "raw.status",
                r.total AS "raw.total",
                r.updated_date AS "raw.updated_date",
                r.op AS "raw.op",
                nullif(btrim(id), '') AS "text.order_id",
                nullif(btrim(customer_id), '') AS "text.customer_id",
                nullif(btrim(order_date), '') AS "text.ordered_at",
                lower(trim(status)) AS "text.status",
                nullif(btrim(total), '') AS "text.total",
                nullif(btrim(updated_date), '') AS "text.updated_at"
            FROM (
                SELECT e.*
                FROM (
                    SELECT
                        b._bronze_id,
                        b._batch_no,
                        b._ingested_at,
                        b._extra,
                        CASE WHEN c.patch ? 'id' THEN c.patch ->> 'id' ELSE b.id END AS id,
                        CASE WHEN c.patch ? 'customer_id' THEN c.patch ->> 'customer_id' ELSE b.customer_id END AS customer_id,
                        CASE WHEN c.patch ? 'order_date' THEN c.patch ->> 'order_date' ELSE b.order_date END AS order_date,
                        CASE WHEN c.patch ? 'status' THEN c.patch ->> 'status' ELSE b.status END AS status,
                        CASE WHEN c.patch ? 'total' THEN c.patch ->> 'total' ELSE b.total END AS total,
                        CASE WHEN c.patch ? 'updated_date' THEN c.patch ->> 'updated_date' ELSE b.updated_date END AS updated_date,
                        CASE WHEN c.patch ? 'op' THEN c.patch ->> 'op' ELSE b.op END AS op,
                        CASE WHEN c.patch IS NOT NULL THEN ARRAY[b.id, b.customer_id, b.order_date, b.status, b.total, b.updated_date, b.op] END AS _arrived
                    FROM bronze.raw_orders_rows AS b
                    LEFT JOIN (
                        SELECT v.bronze_id, v.patch FROM dwh_lineage.effective_corrections AS v
                        WHERE v.target = 'silver.orders'
                            AND (in_rows IS NULL OR v.bronze_id = ANY (in_rows))
                            AND (in_batches IS NULL OR EXISTS (
                                SELECT 1 FROM dwh_lineage.corrections AS z
                                WHERE z.target = 'silver.orders' AND z.bronze_id BETWEEN
                                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (in_batches))
                                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i
                                         WHERE i.batch_no = ANY (in_batches))
                            ))
                    ) AS c ON c.bronze_id = b._bronze_id
                ) AS e
                WHERE NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.orders' AND x.bronze_id = e._bronze_id AND x.state = 'rejected'
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
        WHERE (in_keys IS NULL OR ROW(dwh_etl.to_uuid(t."text.order_id"))::text = ANY (in_keys))
        OFFSET 0
    ) AS v
    OFFSET 0
) AS j
$routine$;

-- Folds the histories of the keys in pg_temp.fold_events; writes what differs to silver.orders. in_all: the
-- events are all there are, so that other keys have no history. Called by the load and the rebuild, which hold
-- the table's row.
CREATE OR REPLACE PROCEDURE dwh_etl.fold_silver_orders(in_batch_id uuid, in_all boolean, INOUT io_inserted bigint, INOUT io_updated bigint, INOUT io_deleted bigint)
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
    SELECT DISTINCT e.order_id FROM pg_temp.fold_events AS e
    WHERE NOT in_all AND EXISTS (SELECT 1 FROM silver.orders AS x WHERE x.order_id = e.order_id);
    ANALYZE pg_temp.fold_keys;

    DROP TABLE IF EXISTS pg_temp.folded;
    CREATE TEMP TABLE folded ON COMMIT DROP AS
    SELECT f.*, s._source_bronze_id IS NOT NULL AS _stands,
        ROW(s.customer_id, s.ordered_at, s.status, s.total, s.valid_to, s.is_current, s._source_bronze_id) IS DISTINCT FROM ROW(f.customer_id, f.ordered_at, f.status, f.total, f.valid_to, f.is_current, f._source_bronze_id) AS _differs
    FROM (
        SELECT v.order_id, v.customer_id, v.ordered_at, v.status, v.total, v._effective AS valid_from, v._until AS valid_to, v._until IS NULL AS is_current,
            v._bronze_id AS _source_bronze_id
        FROM (
            SELECT k.*, lead(k._effective) OVER (PARTITION BY k.order_id ORDER BY k._effective) AS _until
            FROM (
                SELECT c.*
                FROM (
                    SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.customer_id) OVER history AS "was.customer_id", lag(h.ordered_at) OVER history AS "was.ordered_at", lag(h.status) OVER history AS "was.status", lag(h.total) OVER history AS "was.total"
                    FROM (
                        SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.customer_id, w.ordered_at, w.status, w.total, w._first AS _bronze_id
                        FROM (
                            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                            FROM pg_temp.fold_events AS e
                            WINDOW
                                last_first AS (
                                    PARTITION BY e.order_id, e._effective
                                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                                ),
                                same AS (PARTITION BY e.order_id, e._effective, e._deleted, e.customer_id, e.ordered_at, e.status, e.total)
                        ) AS w
                        WHERE w._place = 1
                    ) AS h
                    WINDOW history AS (PARTITION BY h.order_id ORDER BY h._effective)
                ) AS c
                WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.customer_id, c.ordered_at, c.status, c.total) IS DISTINCT FROM ROW(c."was.customer_id", c."was.ordered_at", c."was.status", c."was.total")))
            ) AS k
        ) AS v
        WHERE NOT v._deleted
    ) AS f
    LEFT JOIN (
        SELECT x.* FROM silver.orders AS x WHERE in_all
        UNION ALL
        SELECT x.* FROM silver.orders AS x JOIN pg_temp.fold_keys AS k ON k.order_id = x.order_id WHERE NOT in_all
    ) AS s ON s.order_id = f.order_id AND s.valid_from = f.valid_from;
    ANALYZE pg_temp.folded (order_id, valid_from);

    -- What began before the horizon stays; the version that lasts over it is in the base.
    IF in_all THEN
        DELETE FROM silver.orders AS s
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.order_id = s.order_id AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
    ELSE
        DELETE FROM silver.orders AS s
        USING pg_temp.fold_keys AS k
        WHERE k.order_id = s.order_id AND NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.order_id = s.order_id AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
    END IF;
    GET DIAGNOSTICS io_deleted = ROW_COUNT;

    UPDATE silver.orders AS s
    SET customer_id = f.customer_id, ordered_at = f.ordered_at, status = f.status, total = f.total, valid_to = f.valid_to, is_current = f.is_current, _source_bronze_id = f._source_bronze_id, _batch_id = in_batch_id, _loaded_at = now()
    FROM pg_temp.folded AS f
    WHERE f._stands AND f._differs AND f.order_id = s.order_id AND f.valid_from = s.valid_from;
    GET DIAGNOSTICS io_updated = ROW_COUNT;

    INSERT INTO silver.orders (order_id, customer_id, ordered_at, status, total, valid_from, valid_to, is_current, _source_bronze_id, _batch_id)
    SELECT f.order_id, f.customer_id, f.ordered_at, f.status, f.total, f.valid_from, f.valid_to, f.is_current, f._source_bronze_id, in_batch_id
    FROM pg_temp.folded AS f
    WHERE NOT f._stands
    ORDER BY f.order_id, f.valid_from;  -- the order of the index: neighbours are on one page
    GET DIAGNOSTICS io_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets AS t
    SET last_event_at = greatest(t.last_event_at, (SELECT max(e._effective) FROM pg_temp.fold_events AS e)),
        last_gone_at = CASE WHEN in_all THEN g.latest ELSE greatest(t.last_gone_at, g.latest) END
    FROM (SELECT (SELECT max(e._effective) FROM pg_temp.fold_events AS e WHERE e._deleted AND NOT EXISTS (SELECT 1 FROM silver.orders AS x WHERE x.order_id = e.order_id)) AS latest) AS g
    WHERE t.target = 'silver.orders';
END
$routine$;

-- Loads what waits for silver.orders: newer events are appended to their keys' histories, late ones fold theirs
-- again; rows that break a rule become exceptions. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_silver_orders(in_batch_id uuid DEFAULT NULL)
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
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.orders', l_batch_id);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    SELECT t.last_event_at, t.last_gone_at INTO l_seen_until, l_gone_until FROM dwh_lineage.targets AS t
    WHERE t.target = 'silver.orders';
    PERFORM dwh_lineage.end_waivers('silver.orders');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_orders(l_load.taken, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    PERFORM dwh_etl.check_rules('silver.orders');
    PERFORM dwh_etl.record_rules('silver.orders', l_batch_id, l_read);
    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.orders', 'bronze.raw_orders', l_load.load_batch);

    IF EXISTS (
        SELECT 1 FROM dwh_lineage.batch_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
        WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = 'silver.orders' AND b.batch_no <> l_load.load_batch
    ) OR EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.orders' AND x.batch_no <> l_load.load_batch
            AND x.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
        WHERE b.batch_no = ANY (l_load.taken)
    ) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.orders', l_load.load_batch, 'landed', 'holds its rules now'
        );
    END IF;
    DROP TABLE IF EXISTS pg_temp.events;
    CREATE TEMP TABLE events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.order_id,
        e.customer_id,
        e.ordered_at,
        e.status,
        e.total
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
    l_events := l_read - l_rejected;
    ANALYZE pg_temp.events;
    DROP TABLE IF EXISTS pg_temp.touched;
    CREATE TEMP TABLE touched ON COMMIT DROP AS
    SELECT n.*, (n._effective <= l_seen_until AND (n._stands OR n._effective <= l_gone_until)) IS TRUE AS _late
    FROM (
        SELECT g.*, EXISTS (SELECT 1 FROM silver.orders AS x WHERE x.order_id = g.order_id) AS _stands
        FROM (
            SELECT e.order_id, min(e._effective) AS _effective
            FROM pg_temp.events AS e
            LEFT JOIN silver.orders AS s ON s.order_id = e.order_id
                AND s.valid_from <= e._effective AND (s.valid_to > e._effective OR s.valid_to IS NULL)
            WHERE CASE WHEN e._deleted THEN s._source_bronze_id IS NOT NULL
                ELSE s._source_bronze_id IS NULL OR NOT (ROW(s.customer_id, s.ordered_at, s.status, s.total) IS NOT DISTINCT FROM ROW(e.customer_id, e.ordered_at, e.status, e.total))
                    -- The same at the very same time, but earlier in bronze: it becomes the version's source.
                    OR (s.valid_from = e._effective AND s._source_bronze_id > e._bronze_id) END
            GROUP BY e.order_id
        ) AS g
        OFFSET 0
    ) AS n;
    ANALYZE pg_temp.touched;
    DROP TABLE IF EXISTS pg_temp.fresh;
    CREATE TEMP TABLE fresh ON COMMIT DROP AS
    SELECT e.*
    FROM pg_temp.events AS e
    JOIN pg_temp.touched AS t ON t.order_id = e.order_id
    WHERE NOT t._late AND (l_seen_until IS NULL OR e._effective > l_seen_until OR NOT t._stands);

    DROP TABLE IF EXISTS pg_temp.changes;
    CREATE TEMP TABLE changes ON COMMIT DROP AS
    SELECT k.*, lead(k._effective) OVER (PARTITION BY k.order_id ORDER BY k._effective) AS _until
    FROM (
        SELECT c.*
        FROM (
            SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.customer_id) OVER history AS "was.customer_id", lag(h.ordered_at) OVER history AS "was.ordered_at", lag(h.status) OVER history AS "was.status", lag(h.total) OVER history AS "was.total"
            FROM (
                SELECT w._bronze_id, w._effective, w._deleted, false AS _stands, w.order_id, w.customer_id, w.ordered_at, w.status, w.total
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.customer_id, w.ordered_at, w.status, w.total, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM pg_temp.fresh AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.order_id, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.order_id, e._effective, e._deleted, e.customer_id, e.ordered_at, e.status, e.total)
                    ) AS w
                    WHERE w._place = 1
                ) AS w
                UNION ALL
                SELECT s._source_bronze_id, s.valid_from, false, true, s.order_id, s.customer_id, s.ordered_at, s.status, s.total
                FROM silver.orders AS s
                JOIN pg_temp.touched AS t ON t.order_id = s.order_id
                WHERE s.is_current AND NOT t._late
            ) AS h
            WINDOW history AS (PARTITION BY h.order_id ORDER BY h._effective)
        ) AS c
        WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.customer_id, c.ordered_at, c.status, c.total) IS DISTINCT FROM ROW(c."was.customer_id", c."was.ordered_at", c."was.status", c."was.total")))
    ) AS k;
    ANALYZE pg_temp.changes;

    UPDATE silver.orders AS s
    SET valid_to = c._until, is_current = c._until IS NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.changes AS c
    WHERE c._stands AND s.is_current AND s.order_id = c.order_id AND c._until IS NOT NULL;
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO silver.orders (
        order_id, customer_id, ordered_at, status, total, valid_from, valid_to, is_current, _source_bronze_id, _batch_id
    )
    SELECT c.order_id, c.customer_id, c.ordered_at, c.status, c.total, c._effective, c._until, c._until IS NULL, c._bronze_id, l_batch_id
    FROM pg_temp.changes AS c
    WHERE NOT c._deleted AND NOT c._stands;
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    SELECT array_agg(ROW(t.order_id)::text) INTO l_late
    FROM pg_temp.touched AS t WHERE t._late;
    IF l_late IS NOT NULL THEN
        DROP TABLE IF EXISTS pg_temp.again;
        CREATE TEMP TABLE again ON COMMIT DROP AS
        SELECT v.* FROM dwh_etl.evaluate_silver_orders(NULL, l_late) AS v WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.orders' AND k.batch_no = v._batch_no);
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.again AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.orders', l_load.load_batch, 'landed', 'holds its rules now'
        );
        DROP TABLE IF EXISTS pg_temp.fold_events;
        CREATE TEMP TABLE fold_events ON COMMIT DROP AS
        SELECT
            e._bronze_id,
            e.updated_at::timestamptz AS _effective,
            e._deleted,
            b.source_file AS _file,
            b.source_checksum AS _checksum,
            e.order_id,
            e.customer_id,
            e.ordered_at,
            e.status,
            e.total
        FROM pg_temp.again AS e
        JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
        WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
        INSERT INTO pg_temp.fold_events
        SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.customer_id, z.ordered_at, z.status, z.total
        FROM dwh_staging.silver_orders_base AS z
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t._late AND t.order_id = z.order_id);
        CALL dwh_etl.fold_silver_orders(l_batch_id, false, l_late_inserted, l_late_updated, l_late_deleted);
        l_inserted := l_inserted + l_late_inserted;
        l_updated := l_updated + l_late_updated;
        l_deleted := l_deleted + l_late_deleted;
    END IF;

    UPDATE dwh_lineage.targets
    SET last_event_at = greatest(last_event_at, (SELECT max(e._effective) FROM pg_temp.events AS e)),
        last_gone_at = greatest(last_gone_at, (SELECT max(e._effective) FROM pg_temp.events AS e WHERE e._deleted AND NOT EXISTS (SELECT 1 FROM silver.orders AS x WHERE x.order_id = e.order_id)))
    WHERE target = 'silver.orders';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_orders', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted, 0), l_rejected
    );
END
$routine$;

-- Makes silver.orders what bronze and the rules say, in place: only differences are written, and a version that
-- did not change keeps its surrogate key. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_silver_orders(in_batch_id uuid DEFAULT NULL)
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
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.orders', l_batch_id, true);
    PERFORM dwh_lineage.end_waivers('silver.orders');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_orders(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.orders' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.orders', 'bronze.raw_orders', l_load.load_batch);

    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.orders', l_load.load_batch, 'landed', 'holds the rules of the rebuild'
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT x.bronze_id
    FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.orders' AND x.state IN ('open', 'proposed', 'queued')
        AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
    PERFORM dwh_lineage.close_exceptions(
        'silver.orders', l_load.load_batch, 'superseded', 'the table does not take its row any more'
    );

    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.order_id,
        e.customer_id,
        e.ordered_at,
        e.status,
        e.total
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
    l_events := l_read - l_rejected;
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.customer_id, z.ordered_at, z.status, z.total
    FROM dwh_staging.silver_orders_base AS z;
    CALL dwh_etl.fold_silver_orders(l_batch_id, true, l_inserted, l_updated, l_deleted);

    UPDATE dwh_lineage.targets
    SET last_event_at = (SELECT max(e._effective) FROM pg_temp.fold_events AS e), needs_rebuild = false
    WHERE target = 'silver.orders';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_orders', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- Keeps what silver.orders says at in_horizon, as the base of later folds. Called by dwh_etl.retire_partitions
-- before it drops rows, which holds the table's row and moves its horizon.
CREATE OR REPLACE PROCEDURE dwh_etl.freeze_silver_orders(in_horizon timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_read bigint;
BEGIN
    PERFORM dwh_lineage.end_waivers('silver.orders');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_orders(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.orders' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    -- What no load has taken, what waits for a person, and what one has rejected meanwhile is no part of the history.
    DELETE FROM pg_temp.evaluated AS e
    USING dwh_lineage.pendings AS p
    WHERE p.consumer = 'silver.orders' AND p.batch_no = e._batch_no;
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.order_id,
        e.customer_id,
        e.ordered_at,
        e.status,
        e.total
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
    DELETE FROM pg_temp.fold_events AS f
    USING dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.orders' AND x.bronze_id = f._bronze_id
        AND (x.state IN ('open', 'proposed', 'queued') OR x.state = 'rejected');
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.customer_id, z.ordered_at, z.status, z.total
    FROM dwh_staging.silver_orders_base AS z;

    DROP TABLE IF EXISTS pg_temp.frozen;
    CREATE TEMP TABLE frozen ON COMMIT DROP AS
    SELECT k._bronze_id, k._effective, k._deleted, NULL::text AS _file, NULL::text AS _checksum, k.order_id, k.customer_id, k.ordered_at, k.status, k.total
    FROM (
        SELECT DISTINCT ON (k.order_id) k.*
        FROM (
            SELECT c.*
            FROM (
                SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.customer_id) OVER history AS "was.customer_id", lag(h.ordered_at) OVER history AS "was.ordered_at", lag(h.status) OVER history AS "was.status", lag(h.total) OVER history AS "was.total"
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.customer_id, w.ordered_at, w.status, w.total, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM (SELECT f.* FROM pg_temp.fold_events AS f WHERE f._effective < in_horizon) AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.order_id, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.order_id, e._effective, e._deleted, e.customer_id, e.ordered_at, e.status, e.total)
                    ) AS w
                    WHERE w._place = 1
                ) AS h
                WINDOW history AS (PARTITION BY h.order_id ORDER BY h._effective)
            ) AS c
            WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.customer_id, c.ordered_at, c.status, c.total) IS DISTINCT FROM ROW(c."was.customer_id", c."was.ordered_at", c."was.status", c."was.total")))
        ) AS k
        ORDER BY k.order_id, k._effective DESC
    ) AS k
    WHERE NOT k._deleted
    UNION ALL
    -- Events of rows that go, or went, which take effect only after the horizon.
    SELECT e.*
    FROM pg_temp.fold_events AS e
    WHERE e._effective >= in_horizon AND e._bronze_id <> 0 AND NOT EXISTS (
        SELECT 1 FROM pg_temp.evaluated AS v WHERE v._bronze_id = e._bronze_id AND v._ingested_at >= in_horizon
    );

    DELETE FROM dwh_staging.silver_orders_base;
    INSERT INTO dwh_staging.silver_orders_base (_bronze_id, _effective, _deleted, _file, _checksum, order_id, customer_id, ordered_at, status, total)
    SELECT f._bronze_id, f._effective, f._deleted, f._file, f._checksum, f.order_id, f.customer_id, f.ordered_at, f.status, f.total FROM pg_temp.frozen AS f;
END
$routine$;

-- Applies a decision to rows of silver.orders's source and lands them, or takes them out. Takes the decision,
-- the bronze ids and the run's id; called by dwh_lineage.replay_chunk, which knows which rows are due. Locks the
-- table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.replay_silver_orders(in_decision bigint, in_rows bigint[], in_batch_id uuid DEFAULT NULL)
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
        WHERE e.target_table = 'silver.orders' AND e.bronze_id = ANY (in_rows) AND e.state = 'landed'
            AND EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision AND d.verb = 'undo')
    );
    IF l_landed <> '{}' THEN
        l_keys := ARRAY(
            SELECT DISTINCT ROW(v.order_id)::text
            FROM dwh_etl.evaluate_silver_orders(NULL, NULL, l_landed) AS v WHERE v._broken IS NULL
        );
    END IF;
    SELECT dwh_lineage.begin_replay('silver.orders', l_batch_id) AS load_batch INTO l_load;
    l_rows := dwh_lineage.apply_decision(in_decision);
    DROP TABLE IF EXISTS pg_temp.evaluated;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_orders(NULL, NULL, l_rows) AS v;
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
        'silver.orders', 'bronze.raw_orders', l_load.load_batch, in_decision
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.orders', l_load.load_batch, 'landed', 'decided', in_decision
    );
    IF l_read < cardinality(l_rows) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT x.bronze_id
        FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = 'silver.orders' AND x.state IN ('open', 'proposed', 'queued') AND x.bronze_id = ANY (l_rows)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
        PERFORM dwh_lineage.close_exceptions(
            'silver.orders', l_load.load_batch, 'superseded', 'the table does not take its row any more', in_decision
        );
    END IF;
    SELECT t.last_gone_at INTO l_gone_until FROM dwh_lineage.targets AS t WHERE t.target = 'silver.orders';
    l_keys := l_keys || ARRAY(
        SELECT DISTINCT ROW(n.order_id)::text
        FROM (
            SELECT e.*, e.updated_at::timestamptz AS _effective
            FROM pg_temp.evaluated AS e JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
            WHERE e._broken IS NULL
        ) AS n
        WHERE (EXISTS (SELECT 1 FROM silver.orders AS x WHERE x.order_id = n.order_id) OR n._effective <= l_gone_until)
    );
    DROP TABLE IF EXISTS pg_temp.again;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE again ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_orders(NULL, l_keys) AS v WHERE l_keys <> '{}' AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.orders' AND k.batch_no = v._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.orders' AND p.batch_no = v._batch_no);
    PERFORM set_config('enable_nestloop', 'on', true);
    INSERT INTO pg_temp.again
    SELECT e.* FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL AND ROW(e.order_id)::text <> ALL (l_keys) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.orders' AND k.batch_no = e._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.orders' AND p.batch_no = e._batch_no);
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.order_id,
        e.customer_id,
        e.ordered_at,
        e.status,
        e.total
    FROM pg_temp.again AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true);
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.customer_id, z.ordered_at, z.status, z.total
    FROM dwh_staging.silver_orders_base AS z
    WHERE ROW(z.order_id)::text = ANY (l_keys);
    CALL dwh_etl.fold_silver_orders(l_batch_id, false, l_inserted, l_updated, l_deleted);
    IF l_landed <> '{}' THEN
        DELETE FROM silver.orders AS s
        WHERE ROW(s.order_id)::text = ANY (l_keys)
            AND coalesce(s.valid_from::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.fold_events AS e WHERE e.order_id = s.order_id);
        GET DIAGNOSTICS l_gone = ROW_COUNT;
        l_deleted := l_deleted + l_gone;
    END IF;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_orders', l_read),
        l_inserted, l_updated, l_deleted,
        greatest(l_read - l_rejected - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- What became of each row of bronze.raw_orders in silver.orders: exactly one outcome a row; NULL is a gap.
-- Reads the rows themselves. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.outcomes_silver_orders()
RETURNS TABLE (bronze_id bigint, outcome text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
WITH events AS MATERIALIZED (
    SELECT v._bronze_id, v.updated_at::timestamptz AS _effective, v._deleted, b.source_file AS _file, b.source_checksum AS _checksum, v.order_id, v.customer_id, v.ordered_at, v.status, v.total, coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.orders'), true) AS _live
    FROM dwh_etl.evaluate_silver_orders(NULL, NULL) AS v
    JOIN dwh_lineage.batches AS b ON b.batch_no = v._batch_no
    WHERE v._broken IS NULL AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.orders' AND k.batch_no = v._batch_no) AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.pendings AS p
        WHERE p.consumer = 'silver.orders' AND p.batch_no = v._batch_no
    )
    UNION ALL
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.customer_id, z.ordered_at, z.status, z.total, true
    FROM dwh_staging.silver_orders_base AS z
), moments AS MATERIALIZED (
    -- One row for each key and time; _changes: the history must have a version that begins there, or end there.
    SELECT c._effective, c._deleted, c._bronze_id, c.order_id, c.customer_id, c.ordered_at, c.status, c.total,
        c._deleted <> coalesce(c._was_absent, true)
            OR (NOT c._deleted AND ROW(c.customer_id, c.ordered_at, c.status, c.total) IS DISTINCT FROM ROW(c."was.customer_id", c."was.ordered_at", c."was.status", c."was.total")) AS _changes
    FROM (
        SELECT x.*, lag(x._deleted) OVER history AS _was_absent, lag(x.customer_id) OVER history AS "was.customer_id", lag(x.ordered_at) OVER history AS "was.ordered_at", lag(x.status) OVER history AS "was.status", lag(x.total) OVER history AS "was.total"
        FROM (
        SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.customer_id, w.ordered_at, w.status, w.total, w._first AS _bronze_id
        FROM (
            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
            FROM (SELECT v.* FROM events AS v WHERE v._live) AS e
            WINDOW
                last_first AS (
                    PARTITION BY e.order_id, e._effective
                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                ),
                same AS (PARTITION BY e.order_id, e._effective, e._deleted, e.customer_id, e.ordered_at, e.status, e.total)
        ) AS w
        WHERE w._place = 1
        ) AS x
        WINDOW history AS (PARTITION BY x.order_id ORDER BY x._effective)
    ) AS c
), said AS (
    SELECT e._bronze_id, CASE
        WHEN w._changes AND NOT w._deleted AND s._source_bronze_id IS NULL THEN NULL
        -- Two deletes say the same, whatever values they carry.
        WHEN e._deleted AND w._deleted THEN 'deleted'
        WHEN s._source_bronze_id = e._bronze_id AND s.is_current THEN 'current'
        WHEN s._source_bronze_id = e._bronze_id THEN 'history'
        WHEN NOT (ROW(e._deleted, e.customer_id, e.ordered_at, e.status, e.total) IS NOT DISTINCT FROM ROW(w._deleted, w.customer_id, w.ordered_at, w.status, w.total)) THEN 'superseded'
        ELSE 'unchanged'
    END AS outcome
    FROM events AS e
    JOIN moments AS w ON w.order_id = e.order_id AND w._effective = e._effective
    LEFT JOIN silver.orders AS s
        ON s.order_id = e.order_id AND s.valid_from = e._effective AND w._changes
    WHERE e._live
    UNION ALL
    -- Before the horizon nothing is folded again; the row that says what holds there is in the base.
    SELECT e._bronze_id, CASE WHEN EXISTS (SELECT 1 FROM silver.orders AS s WHERE s._source_bronze_id = e._bronze_id) THEN 'history' ELSE 'frozen' END
    FROM events AS e
    WHERE NOT e._live
        AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_orders_base AS z WHERE z._bronze_id = e._bronze_id)
)
SELECT r._bronze_id, CASE
    WHEN p.batch_no IS NOT NULL THEN 'waiting'
    WHEN k.batch_no IS NOT NULL THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'skipped' END
    WHEN x.state IN ('open', 'proposed', 'queued') THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'quarantined' END
    WHEN x.state = 'rejected' THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'rejected' END
    WHEN d._bronze_id IS NOT NULL THEN d.outcome
    WHEN x.state = 'superseded' THEN 'superseded'
END
FROM bronze.raw_orders_rows AS r
LEFT JOIN said AS d ON d._bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.orders' AND x.bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.pendings AS p ON p.consumer = 'silver.orders' AND p.batch_no = r._batch_no
LEFT JOIN dwh_lineage.skips AS k ON k.consumer = 'silver.orders' AND k.batch_no = r._batch_no
$routine$;

-- Records what a load of silver.orders would reject, as exceptions and metrics, and loads nothing: to be called
-- after a load that its gate refused. The batches go on waiting. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.evidence_silver_orders(in_batch_id uuid DEFAULT NULL)
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
    UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = 'silver.orders';
    l_waiting := ARRAY(SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.orders' ORDER BY 1);
    IF l_waiting = '{}' THEN
        RETURN;
    END IF;
    SELECT dwh_lineage.open_batch('silver.orders', 'load', l_batch_id) AS load_batch INTO l_load;
    PERFORM dwh_lineage.end_waivers('silver.orders');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_orders(l_waiting, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.orders', 'bronze.raw_orders', l_load.load_batch);

    PERFORM dwh_etl.record_rules('silver.orders', l_batch_id, l_read);
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
    'silver.orders',
    'silver',
    'scd2',
    'ecommerce',
    'One row for each order and status it went through.',
     E'{"columns": [{"expression": "id", "name": "order_id", "type": "uuid"}, {"expression": "customer_id", "name": "customer_id", "rules": [{"condition": "customer_id IS NOT NULL", "kind": "required", "message": "customer_id is missing"}], "type": "uuid"}, {"expression": "order_date", "name": "ordered_at", "rules": [{"condition": "ordered_at IS NOT NULL", "kind": "required", "message": "ordered_at is missing"}], "type": "timestamptz"}, {"expression": "lower(trim(status))", "name": "status", "rules": [{"condition": "status IN (''pending'', ''paid'', ''shipped'', ''delivered'', ''cancelled'', ''returned'')", "held": true, "kind": "one_of", "message": "status is none of pending, paid, shipped, delivered, cancelled, returned", "values": ["pending", "paid", "shipped", "delivered", "cancelled", "returned"]}], "type": "text", "values": ["pending", "paid", "shipped", "delivered", "cancelled", "returned"]}, {"cast": {"precision": 12, "scale": 2}, "expression": "total", "name": "total", "rules": [{"bound": 0, "condition": "total >= 0", "kind": "at_least", "message": "total is less than 0"}], "type": "numeric(12,2)"}, {"expression": "updated_date", "name": "updated_at", "type": "timestamptz"}], "deleted_when": "op = ''D''", "description": "One row for each order and status it went through.", "effective": "updated_at", "key": ["order_id"], "kind": "scd2", "layer": "silver", "name": "orders", "routines": {"load_silver_orders_incremental": "-- Loads what is new into silver.orders, which is what its load does. Takes the run''s id.\\nCREATE PROCEDURE dwh_etl.load_silver_orders_incremental(in_batch_id uuid DEFAULT NULL)\\nLANGUAGE sql\\nAS $$\\n    CALL dwh_etl.load_silver_orders(in_batch_id);\\n$$;\\nCOMMENT ON PROCEDURE dwh_etl.load_silver_orders_incremental(uuid) IS ''Loads what is new into silver.orders'';\\n"}, "source": "bronze.raw_orders", "source_columns": ["id", "customer_id", "order_date", "status", "total", "updated_date", "op"]}'::jsonb,
    'silver.orders',
    'dwh_etl.load_silver_orders',
    'dwh_etl.rebuild_silver_orders',
    'dwh_etl.replay_silver_orders',
    'dwh_etl.outcomes_silver_orders'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'silver.orders' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('silver.orders', 'order_id:castable', 1, 'order_id', 'castable', '{"kind": "castable", "type": "uuid"}'::jsonb, 'order_id is no uuid', '4a601e664744', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'order_id:required', 2, 'order_id', 'required', '{"condition": "order_id IS NOT NULL", "kind": "required", "message": "order_id is missing"}'::jsonb, 'order_id is missing', '8a87c93c63ad', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'customer_id:castable', 3, 'customer_id', 'castable', '{"kind": "castable", "type": "uuid"}'::jsonb, 'customer_id is no uuid', '4a601e664744', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'customer_id:required', 4, 'customer_id', 'required', '{"condition": "customer_id IS NOT NULL", "kind": "required", "message": "customer_id is missing"}'::jsonb, 'customer_id is missing', 'ef71ad93a122', true, 'quarantine', NULL, false, true),
    ('silver.orders', 'ordered_at:castable', 5, 'ordered_at', 'castable', '{"kind": "castable", "type": "timestamptz"}'::jsonb, 'ordered_at is no timestamp', '511a02906e39', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'ordered_at:required', 6, 'ordered_at', 'required', '{"condition": "ordered_at IS NOT NULL", "kind": "required", "message": "ordered_at is missing"}'::jsonb, 'ordered_at is missing', '2d675c08d096', true, 'quarantine', NULL, false, true),
    ('silver.orders', 'status:one_of', 7, 'status', 'one_of', '{"condition": "status IN (''pending'', ''paid'', ''shipped'', ''delivered'', ''cancelled'', ''returned'')", "held": true, "kind": "one_of", "message": "status is none of pending, paid, shipped, delivered, cancelled, returned", "values": ["pending", "paid", "shipped", "delivered", "cancelled", "returned"]}'::jsonb, 'status is none of pending, paid, shipped, delivered, cancelled, returned', '796e47b9f671', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'total:castable', 8, 'total', 'castable', '{"kind": "castable", "precision": 12, "scale": 2, "type": "numeric(12,2)"}'::jsonb, 'total is no number with at most 2 places after the point', '7afc7d65a234', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'total:at_least', 9, 'total', 'at_least', '{"bound": 0, "condition": "total >= 0", "kind": "at_least", "message": "total is less than 0"}'::jsonb, 'total is less than 0', '36fb02814934', true, 'quarantine', NULL, false, true),
    ('silver.orders', 'updated_at:castable', 10, 'updated_at', 'castable', '{"kind": "castable", "type": "timestamptz"}'::jsonb, 'updated_at is no timestamp', '511a02906e39', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'updated_at:required', 11, 'updated_at', 'required', '{"condition": "updated_at IS NOT NULL", "kind": "required", "message": "updated_at is missing"}'::jsonb, 'updated_at is missing', 'cd0dd00374b7', false, 'quarantine', NULL, false, true),
    ('silver.orders', 'updated_at:before_horizon', 12, 'updated_at', 'before_horizon', '{"kind": "before_horizon", "message": "updated_at lies before the fold horizon, and would change history that is settled"}'::jsonb, 'updated_at lies before the fold horizon, and would change history that is settled', 'a9a3d8865c5d', false, 'quarantine', NULL, false, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('silver.orders', 'bronze.raw_orders');

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'silver.orders' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('bronze.raw_orders', 'id', 'silver.orders', 'order_id', 'id', 'DIRECT', true),
    ('bronze.raw_orders', 'customer_id', 'silver.orders', 'customer_id', 'customer_id', 'DIRECT', false),
    ('bronze.raw_orders', 'order_date', 'silver.orders', 'ordered_at', 'order_date', 'DIRECT', false),
    ('bronze.raw_orders', 'status', 'silver.orders', 'status', 'lower(trim(status))', 'DIRECT', false),
    ('bronze.raw_orders', 'total', 'silver.orders', 'total', 'total', 'DIRECT', false),
    ('bronze.raw_orders', 'updated_date', 'silver.orders', 'valid_from', 'updated_date', 'DIRECT', false),
    ('bronze.raw_orders', 'op', 'silver.orders', '*', 'op = ''D''', 'INDIRECT', false);

-- Loads what is new into silver.orders, which is what its load does. Takes the run's id.
CREATE PROCEDURE dwh_etl.load_silver_orders_incremental(in_batch_id uuid DEFAULT NULL)
LANGUAGE sql
AS $$
    CALL dwh_etl.load_silver_orders(in_batch_id);
$$;
COMMENT ON PROCEDURE dwh_etl.load_silver_orders_incremental(uuid) IS 'Loads what is new into silver.orders';
