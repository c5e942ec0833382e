CREATE TABLE silver.order_items (
    order_item_sk bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    order_id uuid NOT NULL,
    order_line_number smallint NOT NULL,
    product_id text,
    quantity integer,
    unit_price numeric(10,2),
    discount numeric(10,2),
    tax numeric(10,2),
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    is_current boolean NOT NULL,
    _source_bronze_id bigint NOT NULL,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT order_items_valid_range CHECK (valid_to > valid_from),
    CONSTRAINT order_items_current_is_open CHECK (is_current = (valid_to IS NULL))
);
COMMENT ON TABLE silver.order_items IS 'One row for each line of an order, and what it was before it was corrected. A line sent twice is one line.';
CREATE UNIQUE INDEX silver_order_items_current_key ON silver.order_items (order_id, order_line_number) WHERE is_current;
CREATE UNIQUE INDEX silver_order_items_history_idx ON silver.order_items (order_id, order_line_number, valid_from);
CREATE TABLE dwh_staging.silver_order_items_base (
    _bronze_id bigint,
    _effective timestamptz,
    _deleted boolean,
    _file text,
    _checksum text,
    order_id uuid NOT NULL,
    order_line_number smallint NOT NULL,
    product_id text,
    quantity integer,
    unit_price numeric(10,2),
    discount numeric(10,2),
    tax numeric(10,2)
);
COMMENT ON TABLE dwh_staging.silver_order_items_base IS 'What silver.order_items folds in place of bronze rows that are gone';
CREATE INDEX ON dwh_staging.silver_order_items_base (order_id, order_line_number);

-- Bronze rows of bronze.raw_order_items as silver.order_items sees them: each expression and rule evaluated once.
-- in_batches: bronze batches, NULL for all. in_keys: keys as row text, NULL for all. in_rows: bronze ids, NULL for all.
-- _broken: positions of the broken rules, NULL for a good row; _warned: of those that only warn; _source_id, _seen,
-- _source_data: only for a row that breaks a rule.
-- No side effects; inlined into the statement that calls it (so no SET here: its callers pin the session's settings).
CREATE OR REPLACE FUNCTION dwh_etl.evaluate_silver_order_items(in_batches bigint[], in_keys text[], in_rows bigint[] DEFAULT NULL)
RETURNS TABLE (
    _bronze_id bigint,
    _batch_no bigint,
    _ingested_at timestamptz,
    _deleted boolean,
    order_id uuid,
    order_line_number smallint,
    product_id text,
    quantity integer,
    unit_price numeric(10,2),
    discount numeric(10,2),
    tax numeric(10,2),
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
    j.order_line_number,
    j.product_id,
    j.quantity,
    j.unit_price,
    j.discount,
    j.tax,
    j.updated_at,
    CASE WHEN j._broken IS NULL OR NOT (EXISTS (SELECT 1 FROM dwh_lineage.waivers AS w WHERE w.target = 'silver.order_items') OR EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.order_items')) THEN j._broken
        ELSE (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.order_items' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND NOT coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.order_items' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _broken,
    CASE WHEN j._broken IS NOT NULL AND EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.order_items') THEN (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.order_items' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.order_items' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _warned,
    CASE WHEN j._broken IS NOT NULL THEN concat_ws('|', j."text.order_id", j."text.order_line_number") END AS _source_id,
    CASE WHEN j._broken IS NOT NULL THEN jsonb_build_object(
            'order_id', j."text.order_id",
            'order_line_number', j."text.order_line_number",
            'product_id', j."text.product_id",
            'quantity', j."text.quantity",
            'unit_price', j."text.unit_price",
            'discount', j."text.discount",
            'tax', j."text.tax",
            'updated_at', j."text.updated_at"
        ) END AS _seen,
    CASE WHEN j._broken IS NULL THEN NULL
            WHEN j._arrived IS NOT NULL THEN jsonb_build_object(
            'order_id', j._arrived[1],
            'line_number', j._arrived[2],
            'sku', j._arrived[3],
            'quantity', j._arrived[4],
            'unit_price', j._arrived[5],
            'discount', j._arrived[6],
            'tax', j._arrived[7],
            'updated_date', j._arrived[8],
            'op', j._arrived[9]
        )
            ELSE jsonb_build_object(
            'order_id', j."raw.order_id",
            'line_number', j."raw.line_number",
            'sku', j."raw.sku",
            'quantity', j."raw.quantity",
            'unit_price', j."raw.unit_price",
            'discount', j."raw.discount",
            'tax', j."raw.tax",
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
        v."raw.order_id",
        v."raw.line_number",
        v."raw.sku",
        v."raw.quantity",
        v."raw.unit_price",
        v."raw.discount",
        v."raw.tax",
        v."raw.updated_date",
        v."raw.op",
        v."text.order_id",
        v."text.order_line_number",
        v."text.product_id",
        v."text.quantity",
        v."text.unit_price",
        v."text.discount",
        v."text.tax",
        v."text.updated_at",
        v.order_id,
        v.order_line_number,
        v.product_id,
        v.quantity,
        v.unit_price,
        v.discount,
        v.tax,
        v.updated_at,
        CASE WHEN ("text.order_id" IS NULL OR order_id IS NOT NULL)
                AND (order_id IS NOT NULL) IS TRUE
                AND ("text.order_line_number" IS NULL OR order_line_number IS NOT NULL)
                AND (order_line_number IS NOT NULL) IS TRUE
                AND ("text.updated_at" IS NULL OR updated_at IS NOT NULL)
                AND (updated_at IS NOT NULL) IS TRUE
                AND (coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.order_items' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.order_items' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.order_items AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_order_items_base AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number AND s._effective <= v.updated_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.order_items AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items') AND ROW(s.product_id, s.quantity, s.unit_price, s.discount, s.tax) IS NOT DISTINCT FROM ROW(v.product_id, v.quantity, v.unit_price, v.discount, v.tax)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_order_items_base AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number AND s._effective <= v.updated_at::timestamptz AND ROW(s.product_id, s.quantity, s.unit_price, s.discount, s.tax) IS NOT DISTINCT FROM ROW(v.product_id, v.quantity, v.unit_price, v.discount, v.tax)) END)
                AND (v._deleted OR (
                    ((order_line_number IS NULL OR order_line_number >= 1)) IS TRUE
                    AND (btrim(product_id) <> '') IS TRUE
                    AND ((product_id IS NULL OR product_id ~ '^[A-Z]{3}-[0-9]{4,}$')) IS TRUE
                    AND ("text.quantity" IS NULL OR quantity IS NOT NULL)
                    AND (quantity > 0) IS TRUE
                    AND ("text.unit_price" IS NULL OR unit_price IS NOT NULL)
                    AND (unit_price >= 0) IS TRUE
                    AND ("text.discount" IS NULL OR discount IS NOT NULL)
                    AND (discount >= 0) IS TRUE
                    AND ("text.tax" IS NULL OR tax IS NOT NULL)
                    AND (tax >= 0) IS TRUE
                )) THEN NULL
            ELSE array_remove(ARRAY[
                CASE WHEN NOT ("text.order_id" IS NULL OR order_id IS NOT NULL) THEN 1::smallint END,
                CASE WHEN NOT ((order_id IS NOT NULL) IS TRUE) AND ("text.order_id" IS NULL OR order_id IS NOT NULL) THEN 2::smallint END,
                CASE WHEN NOT ("text.order_line_number" IS NULL OR order_line_number IS NOT NULL) THEN 3::smallint END,
                CASE WHEN NOT ((order_line_number IS NOT NULL) IS TRUE) AND ("text.order_line_number" IS NULL OR order_line_number IS NOT NULL) THEN 4::smallint END,
                CASE WHEN NOT v._deleted AND NOT (((order_line_number IS NULL OR order_line_number >= 1)) IS TRUE) AND ("text.order_line_number" IS NULL OR order_line_number IS NOT NULL) THEN 5::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((btrim(product_id) <> '') IS TRUE) THEN 6::smallint END,
                CASE WHEN NOT v._deleted AND NOT (((product_id IS NULL OR product_id ~ '^[A-Z]{3}-[0-9]{4,}$')) IS TRUE) THEN 7::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.quantity" IS NULL OR quantity IS NOT NULL) THEN 8::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((quantity > 0) IS TRUE) AND ("text.quantity" IS NULL OR quantity IS NOT NULL) THEN 9::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.unit_price" IS NULL OR unit_price IS NOT NULL) THEN 10::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((unit_price >= 0) IS TRUE) AND ("text.unit_price" IS NULL OR unit_price IS NOT NULL) THEN 11::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.discount" IS NULL OR discount IS NOT NULL) THEN 12::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((discount >= 0) IS TRUE) AND ("text.discount" IS NULL OR discount IS NOT NULL) THEN 13::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.tax" IS NULL OR tax IS NOT NULL) THEN 14::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((tax >= 0) IS TRUE) AND ("text.tax" IS NULL OR tax IS NOT NULL) THEN 15::smallint END,
                CASE WHEN NOT ("text.updated_at" IS NULL OR updated_at IS NOT NULL) THEN 16::smallint END,
                CASE WHEN NOT ((updated_at IS NOT NULL) IS TRUE) AND ("text.updated_at" IS NULL OR updated_at IS NOT NULL) THEN 17::smallint END,
                CASE WHEN NOT (coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.order_items' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.order_items' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.order_items AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_order_items_base AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number AND s._effective <= v.updated_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.order_items AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items') AND ROW(s.product_id, s.quantity, s.unit_price, s.discount, s.tax) IS NOT DISTINCT FROM ROW(v.product_id, v.quantity, v.unit_price, v.discount, v.tax)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_order_items_base AS s WHERE s.order_id = v.order_id AND s.order_line_number = v.order_line_number AND s._effective <= v.updated_at::timestamptz AND ROW(s.product_id, s.quantity, s.unit_price, s.discount, s.tax) IS NOT DISTINCT FROM ROW(v.product_id, v.quantity, v.unit_price, v.discount, v.tax)) END) THEN 18::smallint END
            ], NULL) END AS _broken
    FROM (
        SELECT
            t._bronze_id,
            t._batch_no,
            t._ingested_at,
            t._deleted,
            t._arrived,
            t."raw.order_id",
            t."raw.line_number",
            t."raw.sku",
            t."raw.quantity",
            t."raw.unit_price",
            t."raw.discount",
            t."raw.tax",
            t."raw.updated_date",
            t."raw.op",
            t."text.order_id",
            t."text.order_line_number",
            t."text.product_id",
            t."text.quantity",
            t."text.unit_price",
            t."text.discount",
            t."text.tax",
            t."text.updated_at",
            dwh_etl.to_uuid(t."text.order_id") AS order_id,
            dwh_etl.to_smallint(t."text.order_line_number") AS order_line_number,
            t."text.product_id" AS product_id,
            dwh_etl.to_integer(t."text.quantity") AS quantity,
            dwh_etl.to_numeric_of_scale(t."text.unit_price", 2, 10) AS unit_price,
            dwh_etl.to_numeric_of_scale(t."text.discount", 2, 10) AS discount,
            dwh_etl.to_numeric_of_scale(t."text.tax", 2, 10) AS tax,
            dwh_etl.to_timestamptz(t."text.updated_at") AS updated_at
        FROM (
            SELECT
                r._bronze_id,
                r._batch_no,
                r._ingested_at,
                (op = 'D') IS TRUE AS _deleted,
                r._arrived,
                r.order_id AS "raw.order_id",
                r.line_number AS "raw.line_number",
                r.sku AS "raw.sku",
                r.quantity AS "raw.quantity",
                r.unit_price AS "raw.unit_price",
                r.discount AS "raw.discount",
                r.tax AS "raw.tax",
                r.updated_date AS "raw.updated_date",
                r.op AS "raw.op",
                nullif(btrim(order_id), '') AS "text.order_id",
                nullif(btrim(line_number), '') AS "text.order_line_number",
                nullif(upper(trim(sku)), '') AS "text.product_id",
                nullif(btrim(quantity), '') AS "text.quantity",
                nullif(btrim(unit_price), '') AS "text.unit_price",
                nullif(btrim(coalesce(discount, '0')), '') AS "text.discount",
                nullif(btrim(coalesce(tax, '0')), '') AS "text.tax",
                nullif(btrim(updated_date), '') AS "text.updated_at"
            FROM (
                SELECT e.*
                FROM (
                    SELECT
                        b._bronze_id,
                        b._batch_no,
                        b._ingested_at,
                        b._extra,
                        CASE WHEN c.patch ? 'order_id' THEN c.patch ->> 'order_id' ELSE b.order_id END AS order_id,
                        CASE WHEN c.patch ? 'line_number' THEN c.patch ->> 'line_number' ELSE b.line_number END AS line_number,
                        CASE WHEN c.patch ? 'sku' THEN c.patch ->> 'sku' ELSE b.sku END AS sku,
                        CASE WHEN c.patch ? 'quantity' THEN c.patch ->> 'quantity' ELSE b.quantity END AS quantity,
                        CASE WHEN c.patch ? 'unit_price' THEN c.patch ->> 'unit_price' ELSE b.unit_price END AS unit_price,
                        CASE WHEN c.patch ? 'discount' THEN c.patch ->> 'discount' ELSE b.discount END AS discount,
                        CASE WHEN c.patch ? 'tax' THEN c.patch ->> 'tax' ELSE b.tax END AS tax,
                        CASE WHEN c.patch ? 'updated_date' THEN c.patch ->> 'updated_date' ELSE b.updated_date END AS updated_date,
                        CASE WHEN c.patch ? 'op' THEN c.patch ->> 'op' ELSE b.op END AS op,
                        CASE WHEN c.patch IS NOT NULL THEN ARRAY[b.order_id, b.line_number, b.sku, b.quantity, b.unit_price, b.discount, b.tax, b.updated_date, b.op] END AS _arrived
                    FROM bronze.raw_order_items_rows AS b
                    LEFT JOIN (
                        SELECT v.bronze_id, v.patch FROM dwh_lineage.effective_corrections AS v
                        WHERE v.target = 'silver.order_items'
                            AND (in_rows IS NULL OR v.bronze_id = ANY (in_rows))
                            AND (in_batches IS NULL OR EXISTS (
                                SELECT 1 FROM dwh_lineage.corrections AS z
                                WHERE z.target = 'silver.order_items' AND z.bronze_id BETWEEN
                                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (in_batches))
                                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i
                                         WHERE i.batch_no = ANY (in_batches))
                            ))
                    ) AS c ON c.bronze_id = b._bronze_id
                ) AS e
                WHERE NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.order_items' AND x.bronze_id = e._bronze_id AND x.state = 'rejected'
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
        WHERE (in_keys IS NULL OR ROW(dwh_etl.to_uuid(t."text.order_id"), dwh_etl.to_smallint(t."text.order_line_number"))::text = ANY (in_keys))
        OFFSET 0
    ) AS v
    OFFSET 0
) AS j
$routine$;

-- Folds the histories of the keys in pg_temp.fold_events; writes what differs to silver.order_items. in_all: the
-- events are all there are, so that other keys have no history. Called by the load and the rebuild, which hold
-- the table's row.
CREATE OR REPLACE PROCEDURE dwh_etl.fold_silver_order_items(in_batch_id uuid, in_all boolean, INOUT io_inserted bigint, INOUT io_updated bigint, INOUT io_deleted bigint)
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
    SELECT DISTINCT e.order_id, e.order_line_number FROM pg_temp.fold_events AS e
    WHERE NOT in_all AND EXISTS (SELECT 1 FROM silver.order_items AS x WHERE x.order_id = e.order_id AND x.order_line_number = e.order_line_number);
    ANALYZE pg_temp.fold_keys;

    DROP TABLE IF EXISTS pg_temp.folded;
    CREATE TEMP TABLE folded ON COMMIT DROP AS
    SELECT f.*, s._source_bronze_id IS NOT NULL AS _stands,
        ROW(s.product_id, s.quantity, s.unit_price, s.discount, s.tax, s.valid_to, s.is_current, s._source_bronze_id) IS DISTINCT FROM ROW(f.product_id, f.quantity, f.unit_price, f.discount, f.tax, f.valid_to, f.is_current, f._source_bronze_id) AS _differs
    FROM (
        SELECT v.order_id, v.order_line_number, v.product_id, v.quantity, v.unit_price, v.discount, v.tax, v._effective AS valid_from, v._until AS valid_to, v._until IS NULL AS is_current,
            v._bronze_id AS _source_bronze_id
        FROM (
            SELECT k.*, lead(k._effective) OVER (PARTITION BY k.order_id, k.order_line_number ORDER BY k._effective) AS _until
            FROM (
                SELECT c.*
                FROM (
                    SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.product_id) OVER history AS "was.product_id", lag(h.quantity) OVER history AS "was.quantity", lag(h.unit_price) OVER history AS "was.unit_price", lag(h.discount) OVER history AS "was.discount", lag(h.tax) OVER history AS "was.tax"
                    FROM (
                        SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.order_line_number, w.product_id, w.quantity, w.unit_price, w.discount, w.tax, w._first AS _bronze_id
                        FROM (
                            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                            FROM pg_temp.fold_events AS e
                            WINDOW
                                last_first AS (
                                    PARTITION BY e.order_id, e.order_line_number, e._effective
                                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                                ),
                                same AS (PARTITION BY e.order_id, e.order_line_number, e._effective, e._deleted, e.product_id, e.quantity, e.unit_price, e.discount, e.tax)
                        ) AS w
                        WHERE w._place = 1
                    ) AS h
                    WINDOW history AS (PARTITION BY h.order_id, h.order_line_number ORDER BY h._effective)
                ) AS c
                WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.product_id, c.quantity, c.unit_price, c.discount, c.tax) IS DISTINCT FROM ROW(c."was.product_id", c."was.quantity", c."was.unit_price", c."was.discount", c."was.tax")))
            ) AS k
        ) AS v
        WHERE NOT v._deleted
    ) AS f
    LEFT JOIN (
        SELECT x.* FROM silver.order_items AS x WHERE in_all
        UNION ALL
        SELECT x.* FROM silver.order_items AS x JOIN pg_temp.fold_keys AS k ON k.order_id = x.order_id AND k.order_line_number = x.order_line_number WHERE NOT in_all
    ) AS s ON s.order_id = f.order_id AND s.order_line_number = f.order_line_number AND s.valid_from = f.valid_from;
    ANALYZE pg_temp.folded (order_id, order_line_number, valid_from);

    -- What began before the horizon stays; the version that lasts over it is in the base.
    IF in_all THEN
        DELETE FROM silver.order_items AS s
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.order_id = s.order_id AND f.order_line_number = s.order_line_number AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
    ELSE
        DELETE FROM silver.order_items AS s
        USING pg_temp.fold_keys AS k
        WHERE k.order_id = s.order_id AND k.order_line_number = s.order_line_number AND NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.order_id = s.order_id AND f.order_line_number = s.order_line_number AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
    END IF;
    GET DIAGNOSTICS io_deleted = ROW_COUNT;

    UPDATE silver.order_items AS s
    SET product_id = f.product_id, quantity = f.quantity, unit_price = f.unit_price, discount = f.discount, tax = f.tax, valid_to = f.valid_to, is_current = f.is_current, _source_bronze_id = f._source_bronze_id, _batch_id = in_batch_id, _loaded_at = now()
    FROM pg_temp.folded AS f
    WHERE f._stands AND f._differs AND f.order_id = s.order_id AND f.order_line_number = s.order_line_number AND f.valid_from = s.valid_from;
    GET DIAGNOSTICS io_updated = ROW_COUNT;

    INSERT INTO silver.order_items (order_id, order_line_number, product_id, quantity, unit_price, discount, tax, valid_from, valid_to, is_current, _source_bronze_id, _batch_id)
    SELECT f.order_id, f.order_line_number, f.product_id, f.quantity, f.unit_price, f.discount, f.tax, f.valid_from, f.valid_to, f.is_current, f._source_bronze_id, in_batch_id
    FROM pg_temp.folded AS f
    WHERE NOT f._stands
    ORDER BY f.order_id, f.order_line_number, f.valid_from;  -- the order of the index: neighbours are on one page
    GET DIAGNOSTICS io_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets AS t
    SET last_event_at = greatest(t.last_event_at, (SELECT max(e._effective) FROM pg_temp.fold_events AS e)),
        last_gone_at = CASE WHEN in_all THEN g.latest ELSE greatest(t.last_gone_at, g.latest) END
    FROM (SELECT (SELECT max(e._effective) FROM pg_temp.fold_events AS e WHERE e._deleted AND NOT EXISTS (SELECT 1 FROM silver.order_items AS x WHERE x.order_id = e.order_id AND x.order_line_number = e.order_line_number)) AS latest) AS g
    WHERE t.target = 'silver.order_items';
END
$routine$;

-- Loads what waits for silver.order_items: newer events are appended to their keys' histories, late ones fold
-- theirs again; rows that break a rule become exceptions. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_silver_order_items(in_batch_id uuid DEFAULT NULL)
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
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.order_items', l_batch_id);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    SELECT t.last_event_at, t.last_gone_at INTO l_seen_until, l_gone_until FROM dwh_lineage.targets AS t
    WHERE t.target = 'silver.order_items';
    PERFORM dwh_lineage.end_waivers('silver.order_items');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_order_items(l_load.taken, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    PERFORM dwh_etl.check_rules('silver.order_items');
    PERFORM dwh_etl.record_rules('silver.order_items', l_batch_id, l_read);
    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.order_items', 'bronze.raw_order_items', l_load.load_batch);

    IF EXISTS (
        SELECT 1 FROM dwh_lineage.batch_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
        WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = 'silver.order_items' AND b.batch_no <> l_load.load_batch
    ) OR EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.order_items' AND x.batch_no <> l_load.load_batch
            AND x.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
        WHERE b.batch_no = ANY (l_load.taken)
    ) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.order_items', l_load.load_batch, 'landed', 'holds its rules now'
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
        e.order_line_number,
        e.product_id,
        e.quantity,
        e.unit_price,
        e.discount,
        e.tax
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
    l_events := l_read - l_rejected;
    ANALYZE pg_temp.events;
    DROP TABLE IF EXISTS pg_temp.touched;
    CREATE TEMP TABLE touched ON COMMIT DROP AS
    SELECT n.*, (n._effective <= l_seen_until AND (n._stands OR n._effective <= l_gone_until)) IS TRUE AS _late
    FROM (
        SELECT g.*, EXISTS (SELECT 1 FROM silver.order_items AS x WHERE x.order_id = g.order_id AND x.order_line_number = g.order_line_number) AS _stands
        FROM (
            SELECT e.order_id, e.order_line_number, min(e._effective) AS _effective
            FROM pg_temp.events AS e
            LEFT JOIN silver.order_items AS s ON s.order_id = e.order_id AND s.order_line_number = e.order_line_number
                AND s.valid_from <= e._effective AND (s.valid_to > e._effective OR s.valid_to IS NULL)
            WHERE CASE WHEN e._deleted THEN s._source_bronze_id IS NOT NULL
                ELSE s._source_bronze_id IS NULL OR NOT (ROW(s.product_id, s.quantity, s.unit_price, s.discount, s.tax) IS NOT DISTINCT FROM ROW(e.product_id, e.quantity, e.unit_price, e.discount, e.tax))
                    -- The same at the very same time, but earlier in bronze: it becomes the version's source.
                    OR (s.valid_from = e._effective AND s._source_bronze_id > e._bronze_id) END
            GROUP BY e.order_id, e.order_line_number
        ) AS g
        OFFSET 0
    ) AS n;
    ANALYZE pg_temp.touched;
    DROP TABLE IF EXISTS pg_temp.fresh;
    CREATE TEMP TABLE fresh ON COMMIT DROP AS
    SELECT e.*
    FROM pg_temp.events AS e
    JOIN pg_temp.touched AS t ON t.order_id = e.order_id AND t.order_line_number = e.order_line_number
    WHERE NOT t._late AND (l_seen_until IS NULL OR e._effective > l_seen_until OR NOT t._stands);

    DROP TABLE IF EXISTS pg_temp.changes;
    CREATE TEMP TABLE changes ON COMMIT DROP AS
    SELECT k.*, lead(k._effective) OVER (PARTITION BY k.order_id, k.order_line_number ORDER BY k._effective) AS _until
    FROM (
        SELECT c.*
        FROM (
            SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.product_id) OVER history AS "was.product_id", lag(h.quantity) OVER history AS "was.quantity", lag(h.unit_price) OVER history AS "was.unit_price", lag(h.discount) OVER history AS "was.discount", lag(h.tax) OVER history AS "was.tax"
            FROM (
                SELECT w._bronze_id, w._effective, w._deleted, false AS _stands, w.order_id, w.order_line_number, w.product_id, w.quantity, w.unit_price, w.discount, w.tax
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.order_line_number, w.product_id, w.quantity, w.unit_price, w.discount, w.tax, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM pg_temp.fresh AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.order_id, e.order_line_number, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.order_id, e.order_line_number, e._effective, e._deleted, e.product_id, e.quantity, e.unit_price, e.discount, e.tax)
                    ) AS w
                    WHERE w._place = 1
                ) AS w
                UNION ALL
                SELECT s._source_bronze_id, s.valid_from, false, true, s.order_id, s.order_line_number, s.product_id, s.quantity, s.unit_price, s.discount, s.tax
                FROM silver.order_items AS s
                JOIN pg_temp.touched AS t ON t.order_id = s.order_id AND t.order_line_number = s.order_line_number
                WHERE s.is_current AND NOT t._late
            ) AS h
            WINDOW history AS (PARTITION BY h.order_id, h.order_line_number ORDER BY h._effective)
        ) AS c
        WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.product_id, c.quantity, c.unit_price, c.discount, c.tax) IS DISTINCT FROM ROW(c."was.product_id", c."was.quantity", c."was.unit_price", c."was.discount", c."was.tax")))
    ) AS k;
    ANALYZE pg_temp.changes;

    UPDATE silver.order_items AS s
    SET valid_to = c._until, is_current = c._until IS NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.changes AS c
    WHERE c._stands AND s.is_current AND s.order_id = c.order_id AND s.order_line_number = c.order_line_number AND c._until IS NOT NULL;
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO silver.order_items (
        order_id, order_line_number, product_id, quantity, unit_price, discount, tax, valid_from, valid_to, is_current, _source_bronze_id, _batch_id
    )
    SELECT c.order_id, c.order_line_number, c.product_id, c.quantity, c.unit_price, c.discount, c.tax, c._effective, c._until, c._until IS NULL, c._bronze_id, l_batch_id
    FROM pg_temp.changes AS c
    WHERE NOT c._deleted AND NOT c._stands;
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    SELECT array_agg(ROW(t.order_id, t.order_line_number)::text) INTO l_late
    FROM pg_temp.touched AS t WHERE t._late;
    IF l_late IS NOT NULL THEN
        DROP TABLE IF EXISTS pg_temp.again;
        CREATE TEMP TABLE again ON COMMIT DROP AS
        SELECT v.* FROM dwh_etl.evaluate_silver_order_items(NULL, l_late) AS v WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.order_items' AND k.batch_no = v._batch_no);
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.again AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.order_items', l_load.load_batch, 'landed', 'holds its rules now'
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
            e.order_line_number,
            e.product_id,
            e.quantity,
            e.unit_price,
            e.discount,
            e.tax
        FROM pg_temp.again AS e
        JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
        WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
        INSERT INTO pg_temp.fold_events
        SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.order_line_number, z.product_id, z.quantity, z.unit_price, z.discount, z.tax
        FROM dwh_staging.silver_order_items_base AS z
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t._late AND t.order_id = z.order_id AND t.order_line_number = z.order_line_number);
        CALL dwh_etl.fold_silver_order_items(l_batch_id, false, l_late_inserted, l_late_updated, l_late_deleted);
        l_inserted := l_inserted + l_late_inserted;
        l_updated := l_updated + l_late_updated;
        l_deleted := l_deleted + l_late_deleted;
    END IF;

    UPDATE dwh_lineage.targets
    SET last_event_at = greatest(last_event_at, (SELECT max(e._effective) FROM pg_temp.events AS e)),
        last_gone_at = greatest(last_gone_at, (SELECT max(e._effective) FROM pg_temp.events AS e WHERE e._deleted AND NOT EXISTS (SELECT 1 FROM silver.order_items AS x WHERE x.order_id = e.order_id AND x.order_line_number = e.order_line_number)))
    WHERE target = 'silver.order_items';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_order_items', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted, 0), l_rejected
    );
END
$routine$;

-- Makes silver.order_items what bronze and the rules say, in place: only differences are written, and a version
-- that did not change keeps its surrogate key. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_silver_order_items(in_batch_id uuid DEFAULT NULL)
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
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.order_items', l_batch_id, true);
    PERFORM dwh_lineage.end_waivers('silver.order_items');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_order_items(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.order_items' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.order_items', 'bronze.raw_order_items', l_load.load_batch);

    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.order_items', l_load.load_batch, 'landed', 'holds the rules of the rebuild'
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT x.bronze_id
    FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.order_items' AND x.state IN ('open', 'proposed', 'queued')
        AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
    PERFORM dwh_lineage.close_exceptions(
        'silver.order_items', l_load.load_batch, 'superseded', 'the table does not take its row any more'
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
        e.order_line_number,
        e.product_id,
        e.quantity,
        e.unit_price,
        e.discount,
        e.tax
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
    l_events := l_read - l_rejected;
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.order_line_number, z.product_id, z.quantity, z.unit_price, z.discount, z.tax
    FROM dwh_staging.silver_order_items_base AS z;
    CALL dwh_etl.fold_silver_order_items(l_batch_id, true, l_inserted, l_updated, l_deleted);

    UPDATE dwh_lineage.targets
    SET last_event_at = (SELECT max(e._effective) FROM pg_temp.fold_events AS e), needs_rebuild = false
    WHERE target = 'silver.order_items';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_order_items', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- Keeps what silver.order_items says at in_horizon, as the base of later folds. Called by
-- dwh_etl.retire_partitions before it drops rows, which holds the table's row and moves its horizon.
CREATE OR REPLACE PROCEDURE dwh_etl.freeze_silver_order_items(in_horizon timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_read bigint;
BEGIN
    PERFORM dwh_lineage.end_waivers('silver.order_items');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_order_items(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.order_items' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    -- What no load has taken, what waits for a person, and what one has rejected meanwhile is no part of the history.
    DELETE FROM pg_temp.evaluated AS e
    USING dwh_lineage.pendings AS p
    WHERE p.consumer = 'silver.order_items' AND p.batch_no = e._batch_no;
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.order_id,
        e.order_line_number,
        e.product_id,
        e.quantity,
        e.unit_price,
        e.discount,
        e.tax
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
    DELETE FROM pg_temp.fold_events AS f
    USING dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.order_items' AND x.bronze_id = f._bronze_id
        AND (x.state IN ('open', 'proposed', 'queued') OR x.state = 'rejected');
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.order_line_number, z.product_id, z.quantity, z.unit_price, z.discount, z.tax
    FROM dwh_staging.silver_order_items_base AS z;

    DROP TABLE IF EXISTS pg_temp.frozen;
    CREATE TEMP TABLE frozen ON COMMIT DROP AS
    SELECT k._bronze_id, k._effective, k._deleted, NULL::text AS _file, NULL::text AS _checksum, k.order_id, k.order_line_number, k.product_id, k.quantity, k.unit_price, k.discount, k.tax
    FROM (
        SELECT DISTINCT ON (k.order_id, k.order_line_number) k.*
        FROM (
            SELECT c.*
            FROM (
                SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.product_id) OVER history AS "was.product_id", lag(h.quantity) OVER history AS "was.quantity", lag(h.unit_price) OVER history AS "was.unit_price", lag(h.discount) OVER history AS "was.discount", lag(h.tax) OVER history AS "was.tax"
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.order_line_number, w.product_id, w.quantity, w.unit_price, w.discount, w.tax, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM (SELECT f.* FROM pg_temp.fold_events AS f WHERE f._effective < in_horizon) AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.order_id, e.order_line_number, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.order_id, e.order_line_number, e._effective, e._deleted, e.product_id, e.quantity, e.unit_price, e.discount, e.tax)
                    ) AS w
                    WHERE w._place = 1
                ) AS h
                WINDOW history AS (PARTITION BY h.order_id, h.order_line_number ORDER BY h._effective)
            ) AS c
            WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.product_id, c.quantity, c.unit_price, c.discount, c.tax) IS DISTINCT FROM ROW(c."was.product_id", c."was.quantity", c."was.unit_price", c."was.discount", c."was.tax")))
        ) AS k
        ORDER BY k.order_id, k.order_line_number, k._effective DESC
    ) AS k
    WHERE NOT k._deleted
    UNION ALL
    -- Events of rows that go, or went, which take effect only after the horizon.
    SELECT e.*
    FROM pg_temp.fold_events AS e
    WHERE e._effective >= in_horizon AND e._bronze_id <> 0 AND NOT EXISTS (
        SELECT 1 FROM pg_temp.evaluated AS v WHERE v._bronze_id = e._bronze_id AND v._ingested_at >= in_horizon
    );

    DELETE FROM dwh_staging.silver_order_items_base;
    INSERT INTO dwh_staging.silver_order_items_base (_bronze_id, _effective, _deleted, _file, _checksum, order_id, order_line_number, product_id, quantity, unit_price, discount, tax)
    SELECT f._bronze_id, f._effective, f._deleted, f._file, f._checksum, f.order_id, f.order_line_number, f.product_id, f.quantity, f.unit_price, f.discount, f.tax FROM pg_temp.frozen AS f;
END
$routine$;

-- Applies a decision to rows of silver.order_items's source and lands them, or takes them out. Takes the
-- decision, the bronze ids and the run's id; called by dwh_lineage.replay_chunk, which knows which rows are due.
-- Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.replay_silver_order_items(in_decision bigint, in_rows bigint[], in_batch_id uuid DEFAULT NULL)
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
        WHERE e.target_table = 'silver.order_items' AND e.bronze_id = ANY (in_rows) AND e.state = 'landed'
            AND EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision AND d.verb = 'undo')
    );
    IF l_landed <> '{}' THEN
        l_keys := ARRAY(
            SELECT DISTINCT ROW(v.order_id, v.order_line_number)::text
            FROM dwh_etl.evaluate_silver_order_items(NULL, NULL, l_landed) AS v WHERE v._broken IS NULL
        );
    END IF;
    SELECT dwh_lineage.begin_replay('silver.order_items', l_batch_id) AS load_batch INTO l_load;
    l_rows := dwh_lineage.apply_decision(in_decision);
    DROP TABLE IF EXISTS pg_temp.evaluated;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_order_items(NULL, NULL, l_rows) AS v;
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
        'silver.order_items', 'bronze.raw_order_items', l_load.load_batch, in_decision
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.order_items', l_load.load_batch, 'landed', 'decided', in_decision
    );
    IF l_read < cardinality(l_rows) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT x.bronze_id
        FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = 'silver.order_items' AND x.state IN ('open', 'proposed', 'queued') AND x.bronze_id = ANY (l_rows)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
        PERFORM dwh_lineage.close_exceptions(
            'silver.order_items', l_load.load_batch, 'superseded', 'the table does not take its row any more', in_decision
        );
    END IF;
    SELECT t.last_gone_at INTO l_gone_until FROM dwh_lineage.targets AS t WHERE t.target = 'silver.order_items';
    l_keys := l_keys || ARRAY(
        SELECT DISTINCT ROW(n.order_id, n.order_line_number)::text
        FROM (
            SELECT e.*, e.updated_at::timestamptz AS _effective
            FROM pg_temp.evaluated AS e JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
            WHERE e._broken IS NULL
        ) AS n
        WHERE (EXISTS (SELECT 1 FROM silver.order_items AS x WHERE x.order_id = n.order_id AND x.order_line_number = n.order_line_number) OR n._effective <= l_gone_until)
    );
    DROP TABLE IF EXISTS pg_temp.again;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE again ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_order_items(NULL, l_keys) AS v WHERE l_keys <> '{}' AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.order_items' AND k.batch_no = v._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.order_items' AND p.batch_no = v._batch_no);
    PERFORM set_config('enable_nestloop', 'on', true);
    INSERT INTO pg_temp.again
    SELECT e.* FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL AND ROW(e.order_id, e.order_line_number)::text <> ALL (l_keys) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.order_items' AND k.batch_no = e._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.order_items' AND p.batch_no = e._batch_no);
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.order_id,
        e.order_line_number,
        e.product_id,
        e.quantity,
        e.unit_price,
        e.discount,
        e.tax
    FROM pg_temp.again AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true);
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.order_line_number, z.product_id, z.quantity, z.unit_price, z.discount, z.tax
    FROM dwh_staging.silver_order_items_base AS z
    WHERE ROW(z.order_id, z.order_line_number)::text = ANY (l_keys);
    CALL dwh_etl.fold_silver_order_items(l_batch_id, false, l_inserted, l_updated, l_deleted);
    IF l_landed <> '{}' THEN
        DELETE FROM silver.order_items AS s
        WHERE ROW(s.order_id, s.order_line_number)::text = ANY (l_keys)
            AND coalesce(s.valid_from::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.fold_events AS e WHERE e.order_id = s.order_id AND e.order_line_number = s.order_line_number);
        GET DIAGNOSTICS l_gone = ROW_COUNT;
        l_deleted := l_deleted + l_gone;
    END IF;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_order_items', l_read),
        l_inserted, l_updated, l_deleted,
        greatest(l_read - l_rejected - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- What became of each row of bronze.raw_order_items in silver.order_items: exactly one outcome a row; NULL is a gap.
-- Reads the rows themselves. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.outcomes_silver_order_items()
RETURNS TABLE (bronze_id bigint, outcome text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
WITH events AS MATERIALIZED (
    SELECT v._bronze_id, v.updated_at::timestamptz AS _effective, v._deleted, b.source_file AS _file, b.source_checksum AS _checksum, v.order_id, v.order_line_number, v.product_id, v.quantity, v.unit_price, v.discount, v.tax, coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.order_items'), true) AS _live
    FROM dwh_etl.evaluate_silver_order_items(NULL, NULL) AS v
    JOIN dwh_lineage.batches AS b ON b.batch_no = v._batch_no
    WHERE v._broken IS NULL AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.order_items' AND k.batch_no = v._batch_no) AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.pendings AS p
        WHERE p.consumer = 'silver.order_items' AND p.batch_no = v._batch_no
    )
    UNION ALL
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.order_id, z.order_line_number, z.product_id, z.quantity, z.unit_price, z.discount, z.tax, true
    FROM dwh_staging.silver_order_items_base AS z
), moments AS MATERIALIZED (
    -- One row for each key and time; _changes: the history must have a version that begins there, or end there.
    SELECT c._effective, c._deleted, c._bronze_id, c.order_id, c.order_line_number, c.product_id, c.quantity, c.unit_price, c.discount, c.tax,
        c._deleted <> coalesce(c._was_absent, true)
            OR (NOT c._deleted AND ROW(c.product_id, c.quantity, c.unit_price, c.discount, c.tax) IS DISTINCT FROM ROW(c."was.product_id", c."was.quantity", c."was.unit_price", c."was.discount", c."was.tax")) AS _changes
    FROM (
        SELECT x.*, lag(x._deleted) OVER history AS _was_absent, lag(x.product_id) OVER history AS "was.product_id", lag(x.quantity) OVER history AS "was.quantity", lag(x.unit_price) OVER history AS "was.unit_price", lag(x.discount) OVER history AS "was.discount", lag(x.tax) OVER history AS "was.tax"
        FROM (
        SELECT w._effective, w._deleted, false AS _stands, w.order_id, w.order_line_number, w.product_id, w.quantity, w.unit_price, w.discount, w.tax, w._first AS _bronze_id
        FROM (
            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
            FROM (SELECT v.* FROM events AS v WHERE v._live) AS e
            WINDOW
                last_first AS (
                    PARTITION BY e.order_id, e.order_line_number, e._effective
                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                ),
                same AS (PARTITION BY e.order_id, e.order_line_number, e._effective, e._deleted, e.product_id, e.quantity, e.unit_price, e.discount, e.tax)
        ) AS w
        WHERE w._place = 1
        ) AS x
        WINDOW history AS (PARTITION BY x.order_id, x.order_line_number ORDER BY x._effective)
    ) AS c
), said AS (
    SELECT e._bronze_id, CASE
        WHEN w._changes AND NOT w._deleted AND s._source_bronze_id IS NULL THEN NULL
        -- Two deletes say the same, whatever values they carry.
        WHEN e._deleted AND w._deleted THEN 'deleted'
        WHEN s._source_bronze_id = e._bronze_id AND s.is_current THEN 'current'
        WHEN s._source_bronze_id = e._bronze_id THEN 'history'
        WHEN NOT (ROW(e._deleted, e.product_id, e.quantity, e.unit_price, e.discount, e.tax) IS NOT DISTINCT FROM ROW(w._deleted, w.product_id, w.quantity, w.unit_price, w.discount, w.tax)) THEN 'superseded'
        ELSE 'unchanged'
    END AS outcome
    FROM events AS e
    JOIN moments AS w ON w.order_id = e.order_id AND w.order_line_number = e.order_line_number AND w._effective = e._effective
    LEFT JOIN silver.order_items AS s
        ON s.order_id = e.order_id AND s.order_line_number = e.order_line_number AND s.valid_from = e._effective AND w._changes
    WHERE e._live
    UNION ALL
    -- Before the horizon nothing is folded again; the row that says what holds there is in the base.
    SELECT e._bronze_id, CASE WHEN EXISTS (SELECT 1 FROM silver.order_items AS s WHERE s._source_bronze_id = e._bronze_id) THEN 'history' ELSE 'frozen' END
    FROM events AS e
    WHERE NOT e._live
        AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_order_items_base AS z WHERE z._bronze_id = e._bronze_id)
)
SELECT r._bronze_id, CASE
    WHEN p.batch_no IS NOT NULL THEN 'waiting'
    WHEN k.batch_no IS NOT NULL THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'skipped' END
    WHEN x.state IN ('open', 'proposed', 'queued') THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'quarantined' END
    WHEN x.state = 'rejected' THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'rejected' END
    WHEN d._bronze_id IS NOT NULL THEN d.outcome
    WHEN x.state = 'superseded' THEN 'superseded'
END
FROM bronze.raw_order_items_rows AS r
LEFT JOIN said AS d ON d._bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.order_items' AND x.bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.pendings AS p ON p.consumer = 'silver.order_items' AND p.batch_no = r._batch_no
LEFT JOIN dwh_lineage.skips AS k ON k.consumer = 'silver.order_items' AND k.batch_no = r._batch_no
$routine$;

-- Records what a load of silver.order_items would reject, as exceptions and metrics, and loads nothing: to be
-- called after a load that its gate refused. The batches go on waiting. Takes the run's id. Locks the table's
-- row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.evidence_silver_order_items(in_batch_id uuid DEFAULT NULL)
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
    UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = 'silver.order_items';
    l_waiting := ARRAY(SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.order_items' ORDER BY 1);
    IF l_waiting = '{}' THEN
        RETURN;
    END IF;
    SELECT dwh_lineage.open_batch('silver.order_items', 'load', l_batch_id) AS load_batch INTO l_load;
    PERFORM dwh_lineage.end_waivers('silver.order_items');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_order_items(l_waiting, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.order_items', 'bronze.raw_order_items', l_load.load_batch);

    PERFORM dwh_etl.record_rules('silver.order_items', l_batch_id, l_read);
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
    'silver.order_items',
    'silver',
    'scd2',
    'ecommerce',
    'One row for each line of an order, and what it was before it was corrected. A line sent twice is one line.',
    '{"columns": [{"expression": "order_id", "name": "order_id", "type": "uuid"}, {"expression": "line_number", "name": "order_line_number", "rules": [{"condition": "order_line_number IS NOT NULL", "kind": "required", "message": "order_line_number is missing"}, {"bound": 1, "condition": "(order_line_number IS NULL OR order_line_number >= 1)", "kind": "at_least", "message": "order_line_number is less than 1", "null": true}], "type": "smallint"}, {"expression": "nullif(upper(trim(sku)), '''')", "name": "product_id", "rules": [{"condition": "btrim(product_id) <> ''''", "kind": "required", "message": "The product number is missing"}, {"condition": "(product_id IS NULL OR product_id ~ ''^[A-Z]{3}-[0-9]{4,}$'')", "kind": "matches", "message": "The product number is none", "null": true, "pattern": "^[A-Z]{3}-[0-9]{4,}$"}], "type": "text"}, {"expression": "quantity", "name": "quantity", "rules": [{"bound": 0, "condition": "quantity > 0", "kind": "greater_than", "message": "quantity is not greater than 0"}], "type": "integer"}, {"cast": {"precision": 10, "scale": 2}, "expression": "unit_price", "name": "unit_price", "rules": [{"bound": 0, "condition": "unit_price >= 0", "kind": "at_least", "message": "unit_price is less than 0"}], "type": "numeric(10,2)"}, {"cast": {"precision": 10, "scale": 2}, "expression": "coalesce(discount, ''0'')", "name": "discount", "rules": [{"bound": 0, "condition": "discount >= 0", "kind": "at_least", "message": "discount is less than 0"}], "type": "numeric(10,2)"}, {"cast": {"precision": 10, "scale": 2}, "expression": "coalesce(tax, ''0'')", "name": "tax", "rules": [{"bound": 0, "condition": "tax >= 0", "kind": "at_least", "message": "tax is less than 0"}], "type": "numeric(10,2)"}, {"expression": "updated_date", "name": "updated_at", "type": "timestamptz"}], "deleted_when": "op = ''D''", "description": "One row for each line of an order, and what it was before it was corrected. A line sent twice is one line.", "effective": "updated_at", "key": ["order_id", "order_line_number"], "kind": "scd2", "layer": "silver", "name": "order_items", "source": "bronze.raw_order_items", "source_columns": ["order_id", "line_number", "sku", "quantity", "unit_price", "discount", "tax", "updated_date", "op"]}'::jsonb,
    'silver.order_items',
    'dwh_etl.load_silver_order_items',
    'dwh_etl.rebuild_silver_order_items',
    'dwh_etl.replay_silver_order_items',
    'dwh_etl.outcomes_silver_order_items'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'silver.order_items' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('silver.order_items', 'order_id:castable', 1, 'order_id', 'castable', '{"kind": "castable", "type": "uuid"}'::jsonb, 'order_id is no uuid', '4a601e664744', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'order_id:required', 2, 'order_id', 'required', '{"condition": "order_id IS NOT NULL", "kind": "required", "message": "order_id is missing"}'::jsonb, 'order_id is missing', '8a87c93c63ad', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'order_line_number:castable', 3, 'order_line_number', 'castable', '{"kind": "castable", "type": "smallint"}'::jsonb, 'order_line_number is no small whole number', 'acdfb19d65f8', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'order_line_number:required', 4, 'order_line_number', 'required', '{"condition": "order_line_number IS NOT NULL", "kind": "required", "message": "order_line_number is missing"}'::jsonb, 'order_line_number is missing', '6128c30ec04f', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'order_line_number:at_least', 5, 'order_line_number', 'at_least', '{"bound": 1, "condition": "(order_line_number IS NULL OR order_line_number >= 1)", "kind": "at_least", "message": "order_line_number is less than 1", "null": true}'::jsonb, 'order_line_number is less than 1', 'a1cf17c2cf21', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'product_id:required', 6, 'product_id', 'required', '{"condition": "btrim(product_id) <> ''''", "kind": "required", "message": "The product number is missing"}'::jsonb, 'The product number is missing', '707847ba927f', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'product_id:matches', 7, 'product_id', 'matches', '{"condition": "(product_id IS NULL OR product_id ~ ''^[A-Z]{3}-[0-9]{4,}$'')", "kind": "matches", "message": "The product number is none", "null": true, "pattern": "^[A-Z]{3}-[0-9]{4,}$"}'::jsonb, 'The product number is none', '68ccdaf2c4b2', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'quantity:castable', 8, 'quantity', 'castable', '{"kind": "castable", "type": "integer"}'::jsonb, 'quantity is no whole number', '4012daaa9187', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'quantity:greater_than', 9, 'quantity', 'greater_than', '{"bound": 0, "condition": "quantity > 0", "kind": "greater_than", "message": "quantity is not greater than 0"}'::jsonb, 'quantity is not greater than 0', '64fd4b596eba', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'unit_price:castable', 10, 'unit_price', 'castable', '{"kind": "castable", "precision": 10, "scale": 2, "type": "numeric(10,2)"}'::jsonb, 'unit_price is no number with at most 2 places after the point', '15dbab5d87ac', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'unit_price:at_least', 11, 'unit_price', 'at_least', '{"bound": 0, "condition": "unit_price >= 0", "kind": "at_least", "message": "unit_price is less than 0"}'::jsonb, 'unit_price is less than 0', '6060f4c956f6', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'discount:castable', 12, 'discount', 'castable', '{"kind": "castable", "precision": 10, "scale": 2, "type": "numeric(10,2)"}'::jsonb, 'discount is no number with at most 2 places after the point', '15dbab5d87ac', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'discount:at_least', 13, 'discount', 'at_least', '{"bound": 0, "condition": "discount >= 0", "kind": "at_least", "message": "discount is less than 0"}'::jsonb, 'discount is less than 0', '7614cee719aa', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'tax:castable', 14, 'tax', 'castable', '{"kind": "castable", "precision": 10, "scale": 2, "type": "numeric(10,2)"}'::jsonb, 'tax is no number with at most 2 places after the point', '15dbab5d87ac', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'tax:at_least', 15, 'tax', 'at_least', '{"bound": 0, "condition": "tax >= 0", "kind": "at_least", "message": "tax is less than 0"}'::jsonb, 'tax is less than 0', 'e05d69cc1dc7', true, 'quarantine', NULL, false, true),
    ('silver.order_items', 'updated_at:castable', 16, 'updated_at', 'castable', '{"kind": "castable", "type": "timestamptz"}'::jsonb, 'updated_at is no timestamp', '511a02906e39', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'updated_at:required', 17, 'updated_at', 'required', '{"condition": "updated_at IS NOT NULL", "kind": "required", "message": "updated_at is missing"}'::jsonb, 'updated_at is missing', 'cd0dd00374b7', false, 'quarantine', NULL, false, true),
    ('silver.order_items', 'updated_at:before_horizon', 18, 'updated_at', 'before_horizon', '{"kind": "before_horizon", "message": "updated_at lies before the fold horizon, and would change history that is settled"}'::jsonb, 'updated_at lies before the fold horizon, and would change history that is settled', 'a9a3d8865c5d', false, 'quarantine', NULL, false, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('silver.order_items', 'bronze.raw_order_items');

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'silver.order_items' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('bronze.raw_order_items', 'order_id', 'silver.order_items', 'order_id', 'order_id', 'DIRECT', true),
    ('bronze.raw_order_items', 'line_number', 'silver.order_items', 'order_line_number', 'line_number', 'DIRECT', true),
    ('bronze.raw_order_items', 'sku', 'silver.order_items', 'product_id', 'nullif(upper(trim(sku)), '''')', 'DIRECT', false),
    ('bronze.raw_order_items', 'quantity', 'silver.order_items', 'quantity', 'quantity', 'DIRECT', false),
    ('bronze.raw_order_items', 'unit_price', 'silver.order_items', 'unit_price', 'unit_price', 'DIRECT', false),
    ('bronze.raw_order_items', 'discount', 'silver.order_items', 'discount', 'coalesce(discount, ''0'')', 'DIRECT', false),
    ('bronze.raw_order_items', 'tax', 'silver.order_items', 'tax', 'coalesce(tax, ''0'')', 'DIRECT', false),
    ('bronze.raw_order_items', 'updated_date', 'silver.order_items', 'valid_from', 'updated_date', 'DIRECT', false),
    ('bronze.raw_order_items', 'op', 'silver.order_items', '*', 'op = ''D''', 'INDIRECT', false);
