CREATE TABLE silver.customers (
    customer_sk bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    customer_id uuid NOT NULL,
    email text,
    email_domain text,
    name text,
    status text,
    channel text,
    city text,
    country text,
    created_on date,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    is_current boolean NOT NULL,
    _source_bronze_id bigint NOT NULL,
    _batch_id uuid NOT NULL,
    _loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customers_valid_range CHECK (valid_to > valid_from),
    CONSTRAINT customers_current_is_open CHECK (is_current = (valid_to IS NULL)),
    CONSTRAINT status_values CHECK (status IN ('active', 'inactive', 'suspended')),
    CONSTRAINT channel_values CHECK (channel IN ('web', 'app', 'store', 'partner')),
    CONSTRAINT country_values CHECK (country IN ('AT', 'CH', 'DE', 'ES', 'FR', 'GB', 'US'))
);
COMMENT ON TABLE silver.customers IS 'One row for each customer and period.';
CREATE UNIQUE INDEX silver_customers_current_key ON silver.customers (customer_id) WHERE is_current;
CREATE UNIQUE INDEX silver_customers_history_idx ON silver.customers (customer_id, valid_from);
CREATE TABLE dwh_staging.silver_customers_base (
    _bronze_id bigint,
    _effective timestamptz,
    _deleted boolean,
    _file text,
    _checksum text,
    customer_id uuid NOT NULL,
    email text,
    email_domain text,
    name text,
    status text,
    channel text,
    city text,
    country text,
    created_on date
);
COMMENT ON TABLE dwh_staging.silver_customers_base IS 'What silver.customers folds in place of bronze rows that are gone';
CREATE INDEX ON dwh_staging.silver_customers_base (customer_id);

-- Bronze rows of bronze.raw_customers as silver.customers sees them: each expression and rule evaluated once.
-- in_batches: bronze batches, NULL for all. in_keys: keys as row text, NULL for all. in_rows: bronze ids, NULL for all.
-- _broken: positions of the broken rules, NULL for a good row; _warned: of those that only warn; _source_id, _seen,
-- _source_data: only for a row that breaks a rule.
-- No side effects; inlined into the statement that calls it (so no SET here: its callers pin the session's settings).
CREATE OR REPLACE FUNCTION dwh_etl.evaluate_silver_customers(in_batches bigint[], in_keys text[], in_rows bigint[] DEFAULT NULL)
RETURNS TABLE (
    _bronze_id bigint,
    _batch_no bigint,
    _ingested_at timestamptz,
    _deleted boolean,
    customer_id uuid,
    email text,
    email_domain text,
    name text,
    status text,
    channel text,
    city text,
    country text,
    created_on date,
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
    j.customer_id,
    j.email,
    j.email_domain,
    j.name,
    j.status,
    j.channel,
    j.city,
    j.country,
    j.created_on,
    j.updated_at,
    CASE WHEN j._broken IS NULL OR NOT (EXISTS (SELECT 1 FROM dwh_lineage.waivers AS w WHERE w.target = 'silver.customers') OR EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.customers')) THEN j._broken
        ELSE (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.customers' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND NOT coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.customers' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _broken,
    CASE WHEN j._broken IS NOT NULL AND EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = 'silver.customers') THEN (
            SELECT array_agg(p.position ORDER BY p.position)
            FROM unnest(j._broken) AS p (position)
            WHERE NOT EXISTS (
                SELECT 1
                FROM dwh_lineage.waivers AS w
                JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                    AND q.version = w.rule_version AND q.active AND q.can_be_waived
                WHERE w.target = 'silver.customers' AND w.withdrawn_by_id IS NULL
                    AND q.position = p.position
                    AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)
            )
                AND coalesce((
                    SELECT o.severity = 'warn'
                    FROM dwh_lineage.quality_overrides AS o
                    JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                        AND q.active AND q.can_be_waived
                    WHERE o.target = 'silver.customers' AND q.position = p.position
                        AND o.first_batch_no <= j._batch_no
                    ORDER BY o.id DESC
                    LIMIT 1
                ), false)
        ) END AS _warned,
    CASE WHEN j._broken IS NOT NULL THEN concat_ws('|', j."text.customer_id") END AS _source_id,
    CASE WHEN j._broken IS NOT NULL THEN jsonb_build_object(
            'customer_id', j."text.customer_id",
            'email', j."text.email",
            'email_domain', j."text.email_domain",
            'name', j."text.name",
            'status', j."text.status",
            'channel', j."text.channel",
            'city', j."text.city",
            'country', j."text.country",
            'created_on', j."text.created_on",
            'updated_at', j."text.updated_at"
        ) END AS _seen,
    CASE WHEN j._broken IS NULL THEN NULL
            WHEN j._arrived IS NOT NULL THEN jsonb_build_object(
            'id', j._arrived[1],
            'email', j._arrived[2],
            'name', j._arrived[3],
            'status', j._arrived[4],
            'channel', j._arrived[5],
            'city', j._arrived[6],
            'country', j._arrived[7],
            'created_date', j._arrived[8],
            'updated_date', j._arrived[9],
            'op', j._arrived[10]
        )
            ELSE jsonb_build_object(
            'id', j."raw.id",
            'email', j."raw.email",
            'name', j."raw.name",
            'status', j."raw.status",
            'channel', j."raw.channel",
            'city', j."raw.city",
            'country', j."raw.country",
            'created_date', j."raw.created_date",
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
        v."raw.email",
        v."raw.name",
        v."raw.status",
        v."raw.channel",
        v."raw.city",
        v."raw.country",
        v."raw.created_date",
        v."raw.updated_date",
        v."raw.op",
        v."text.customer_id",
        v."text.email",
        v."text.email_domain",
        v."text.name",
        v."text.status",
        v."text.channel",
        v."text.city",
        v."text.country",
        v."text.created_on",
        v."text.updated_at",
        v.customer_id,
        v.email,
        v.email_domain,
        v.name,
        v.status,
        v.channel,
        v.city,
        v.country,
        v.created_on,
        v.updated_at,
        CASE WHEN ("text.customer_id" IS NULL OR customer_id IS NOT NULL)
                AND (customer_id IS NOT NULL) IS TRUE
                AND ("text.updated_at" IS NULL OR updated_at IS NOT NULL)
                AND (updated_at IS NOT NULL) IS TRUE
                AND (coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.customers' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.customers' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.updated_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers') AND ROW(s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on) IS NOT DISTINCT FROM ROW(v.email, v.email_domain, v.name, v.status, v.channel, v.city, v.country, v.created_on)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.updated_at::timestamptz AND ROW(s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on) IS NOT DISTINCT FROM ROW(v.email, v.email_domain, v.name, v.status, v.channel, v.city, v.country, v.created_on)) END)
                AND (v._deleted OR (
                    (btrim(email) <> '') IS TRUE
                    AND ((email IS NULL OR email ~  E'^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$')) IS TRUE
                    AND (char_length(name) >= 2) IS TRUE
                    AND (status IN ('active', 'inactive', 'suspended')) IS TRUE
                    AND (channel IN ('web', 'app', 'store', 'partner')) IS TRUE
                    AND (char_length(city) >= 2) IS TRUE
                    AND (country IN ('AT', 'CH', 'DE', 'ES', 'FR', 'GB', 'US')) IS TRUE
                    AND ("text.created_on" IS NULL OR created_on IS NOT NULL)
                    AND (created_on IS NOT NULL) IS TRUE
                )) THEN NULL
            ELSE array_remove(ARRAY[
                CASE WHEN NOT ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 1::smallint END,
                CASE WHEN NOT ((customer_id IS NOT NULL) IS TRUE) AND ("text.customer_id" IS NULL OR customer_id IS NOT NULL) THEN 2::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((btrim(email) <> '') IS TRUE) THEN 3::smallint END,
                CASE WHEN NOT v._deleted AND NOT (((email IS NULL OR email ~  E'^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$')) IS TRUE) THEN 4::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((char_length(name) >= 2) IS TRUE) THEN 5::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((status IN ('active', 'inactive', 'suspended')) IS TRUE) THEN 6::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((channel IN ('web', 'app', 'store', 'partner')) IS TRUE) THEN 7::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((char_length(city) >= 2) IS TRUE) THEN 8::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((country IN ('AT', 'CH', 'DE', 'ES', 'FR', 'GB', 'US')) IS TRUE) THEN 9::smallint END,
                CASE WHEN NOT v._deleted AND NOT ("text.created_on" IS NULL OR created_on IS NOT NULL) THEN 10::smallint END,
                CASE WHEN NOT v._deleted AND NOT ((created_on IS NOT NULL) IS TRUE) AND ("text.created_on" IS NULL OR created_on IS NOT NULL) THEN 11::smallint END,
                CASE WHEN NOT ("text.updated_at" IS NULL OR updated_at IS NOT NULL) THEN 12::smallint END,
                CASE WHEN NOT ((updated_at IS NOT NULL) IS TRUE) AND ("text.updated_at" IS NULL OR updated_at IS NOT NULL) THEN 13::smallint END,
                CASE WHEN NOT (coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true) OR (EXISTS (
                    SELECT 1 FROM dwh_lineage.batch_inputs AS i
                    JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
                    WHERE i.input_batch_no = v._batch_no AND l.target = 'silver.customers' AND l.completed_at IS NOT NULL
                ) AND NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.customers' AND x.bronze_id = v._bronze_id AND x.state IN ('open', 'proposed', 'queued')
                )) OR CASE WHEN v._deleted THEN NOT EXISTS (SELECT 1 FROM silver.customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers')) AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.updated_at::timestamptz)
                    ELSE EXISTS (SELECT 1 FROM silver.customers AS s WHERE s.customer_id = v.customer_id
                        AND s.valid_from <= v.updated_at::timestamptz AND s.valid_to > v.updated_at::timestamptz AND s.valid_to < (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers') AND ROW(s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on) IS NOT DISTINCT FROM ROW(v.email, v.email_domain, v.name, v.status, v.channel, v.city, v.country, v.created_on)) OR EXISTS (SELECT 1 FROM dwh_staging.silver_customers_base AS s WHERE s.customer_id = v.customer_id AND s._effective <= v.updated_at::timestamptz AND ROW(s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on) IS NOT DISTINCT FROM ROW(v.email, v.email_domain, v.name, v.status, v.channel, v.city, v.country, v.created_on)) END) THEN 14::smallint END
            ], NULL) END AS _broken
    FROM (
        SELECT
            t._bronze_id,
            t._batch_no,
            t._ingested_at,
            t._deleted,
            t._arrived,
            t."raw.id",
            t."raw.email",
            t."raw.name",
            t."raw.status",
            t."raw.channel",
            t."raw.city",
            t."raw.country",
            t."raw.created_date",
            t."raw.updated_date",
            t."raw.op",
            t."text.customer_id",
            t."text.email",
            t."text.email_domain",
            t."text.name",
            t."text.status",
            t."text.channel",
            t."text.city",
            t."text.country",
            t."text.created_on",
            t."text.updated_at",
            dwh_etl.to_uuid(t."text.customer_id") AS customer_id,
            t."text.email" AS email,
            t."text.email_domain" AS email_domain,
            t."text.name" AS name,
            t."text.status" AS status,
            t."text.channel" AS channel,
            t."text.city" AS city,
            t."text.country" AS country,
            dwh_etl.to_date(t."text.created_on") AS created_on,
            dwh_etl.to_timestamptz(t."text.updated_at") AS updated_at
        FROM (
            SELECT
                r._bronze_id,
                r._batch_no,
                r._ingested_at,
                (op = 'D') IS TRUE AS _deleted,
                r._arrived,
                r.id AS "raw.id",
                r.email AS "raw.email",
                r.name AS "raw.name",
                r.status AS "raw.status",
                r.channel AS "raw.channel",
                r.city AS "raw.city",
                r.country AS "raw.country",
                r.created_date AS "raw.created_date",
                r.updated_date AS "raw.updated_date",
                r.op AS "raw.op",
                nullif(btrim(id), '') AS "text.customer_id",
                nullif(lower(trim(email)), '') AS "text.email",
                split_part(lower(trim(email)), '@', 2) AS "text.email_domain",
                trim(name) AS "text.name",
                lower(trim(status)) AS "text.status",
                lower(trim(channel)) AS "text.channel",
                trim(city) AS "text.city",
                upper(trim(country)) AS "text.country",
                nullif(btrim(created_date), '') AS "text.created_on",
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
                        CASE WHEN c.patch ? 'email' THEN c.patch ->> 'email' ELSE b.email END AS email,
                        CASE WHEN c.patch ? 'name' THEN c.patch ->> 'name' ELSE b.name END AS name,
                        CASE WHEN c.patch ? 'status' THEN c.patch ->> 'status' ELSE b.status END AS status,
                        CASE WHEN c.patch ? 'channel' THEN c.patch ->> 'channel' ELSE b.channel END AS channel,
                        CASE WHEN c.patch ? 'city' THEN c.patch ->> 'city' ELSE b.city END AS city,
                        CASE WHEN c.patch ? 'country' THEN c.patch ->> 'country' ELSE b.country END AS country,
                        CASE WHEN c.patch ? 'created_date' THEN c.patch ->> 'created_date' ELSE b.created_date END AS created_date,
                        CASE WHEN c.patch ? 'updated_date' THEN c.patch ->> 'updated_date' ELSE b.updated_date END AS updated_date,
                        CASE WHEN c.patch ? 'op' THEN c.patch ->> 'op' ELSE b.op END AS op,
                        CASE WHEN c.patch IS NOT NULL THEN ARRAY[b.id, b.email, b.name, b.status, b.channel, b.city, b.country, b.created_date, b.updated_date, b.op] END AS _arrived
                    FROM bronze.raw_customers_rows AS b
                    LEFT JOIN (
                        SELECT v.bronze_id, v.patch FROM dwh_lineage.effective_corrections AS v
                        WHERE v.target = 'silver.customers'
                            AND (in_rows IS NULL OR v.bronze_id = ANY (in_rows))
                            AND (in_batches IS NULL OR EXISTS (
                                SELECT 1 FROM dwh_lineage.corrections AS z
                                WHERE z.target = 'silver.customers' AND z.bronze_id BETWEEN
                                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (in_batches))
                                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i
                                         WHERE i.batch_no = ANY (in_batches))
                            ))
                    ) AS c ON c.bronze_id = b._bronze_id
                ) AS e
                WHERE NOT EXISTS (
                    SELECT 1 FROM dwh_lineage.quality_exceptions AS x
                    WHERE x.target_table = 'silver.customers' AND x.bronze_id = e._bronze_id AND x.state = 'rejected'
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
        WHERE (in_keys IS NULL OR ROW(dwh_etl.to_uuid(t."text.customer_id"))::text = ANY (in_keys))
        OFFSET 0
    ) AS v
    OFFSET 0
) AS j
$routine$;

-- Folds the histories of the keys in pg_temp.fold_events; writes what differs to silver.customers. in_all: the
-- events are all there are, so that other keys have no history. Called by the load and the rebuild, which hold
-- the table's row.
CREATE OR REPLACE PROCEDURE dwh_etl.fold_silver_customers(in_batch_id uuid, in_all boolean, INOUT io_inserted bigint, INOUT io_updated bigint, INOUT io_deleted bigint)
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
    WHERE NOT in_all AND EXISTS (SELECT 1 FROM silver.customers AS x WHERE x.customer_id = e.customer_id);
    ANALYZE pg_temp.fold_keys;

    DROP TABLE IF EXISTS pg_temp.folded;
    CREATE TEMP TABLE folded ON COMMIT DROP AS
    SELECT f.*, s._source_bronze_id IS NOT NULL AS _stands,
        ROW(s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on, s.valid_to, s.is_current, s._source_bronze_id) IS DISTINCT FROM ROW(f.email, f.email_domain, f.name, f.status, f.channel, f.city, f.country, f.created_on, f.valid_to, f.is_current, f._source_bronze_id) AS _differs
    FROM (
        SELECT v.customer_id, v.email, v.email_domain, v.name, v.status, v.channel, v.city, v.country, v.created_on, v._effective AS valid_from, v._until AS valid_to, v._until IS NULL AS is_current,
            v._bronze_id AS _source_bronze_id
        FROM (
            SELECT k.*, lead(k._effective) OVER (PARTITION BY k.customer_id ORDER BY k._effective) AS _until
            FROM (
                SELECT c.*
                FROM (
                    SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.email) OVER history AS "was.email", lag(h.email_domain) OVER history AS "was.email_domain", lag(h.name) OVER history AS "was.name", lag(h.status) OVER history AS "was.status", lag(h.channel) OVER history AS "was.channel", lag(h.city) OVER history AS "was.city", lag(h.country) OVER history AS "was.country", lag(h.created_on) OVER history AS "was.created_on"
                    FROM (
                        SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.email, w.email_domain, w.name, w.status, w.channel, w.city, w.country, w.created_on, w._first AS _bronze_id
                        FROM (
                            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                            FROM pg_temp.fold_events AS e
                            WINDOW
                                last_first AS (
                                    PARTITION BY e.customer_id, e._effective
                                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                                ),
                                same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.email, e.email_domain, e.name, e.status, e.channel, e.city, e.country, e.created_on)
                        ) AS w
                        WHERE w._place = 1
                    ) AS h
                    WINDOW history AS (PARTITION BY h.customer_id ORDER BY h._effective)
                ) AS c
                WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.email, c.email_domain, c.name, c.status, c.channel, c.city, c.country, c.created_on) IS DISTINCT FROM ROW(c."was.email", c."was.email_domain", c."was.name", c."was.status", c."was.channel", c."was.city", c."was.country", c."was.created_on")))
            ) AS k
        ) AS v
        WHERE NOT v._deleted
    ) AS f
    LEFT JOIN (
        SELECT x.* FROM silver.customers AS x WHERE in_all
        UNION ALL
        SELECT x.* FROM silver.customers AS x JOIN pg_temp.fold_keys AS k ON k.customer_id = x.customer_id WHERE NOT in_all
    ) AS s ON s.customer_id = f.customer_id AND s.valid_from = f.valid_from;
    ANALYZE pg_temp.folded (customer_id, valid_from);

    -- What began before the horizon stays; the version that lasts over it is in the base.
    IF in_all THEN
        DELETE FROM silver.customers AS s
        WHERE NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.customer_id = s.customer_id AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
    ELSE
        DELETE FROM silver.customers AS s
        USING pg_temp.fold_keys AS k
        WHERE k.customer_id = s.customer_id AND NOT EXISTS (SELECT 1 FROM pg_temp.folded AS f WHERE f.customer_id = s.customer_id AND f.valid_from = s.valid_from)
            AND coalesce(s.valid_from >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
    END IF;
    GET DIAGNOSTICS io_deleted = ROW_COUNT;

    UPDATE silver.customers AS s
    SET email = f.email, email_domain = f.email_domain, name = f.name, status = f.status, channel = f.channel, city = f.city, country = f.country, created_on = f.created_on, valid_to = f.valid_to, is_current = f.is_current, _source_bronze_id = f._source_bronze_id, _batch_id = in_batch_id, _loaded_at = now()
    FROM pg_temp.folded AS f
    WHERE f._stands AND f._differs AND f.customer_id = s.customer_id AND f.valid_from = s.valid_from;
    GET DIAGNOSTICS io_updated = ROW_COUNT;

    INSERT INTO silver.customers (customer_id, email, email_domain, name, status, channel, city, country, created_on, valid_from, valid_to, is_current, _source_bronze_id, _batch_id)
    SELECT f.customer_id, f.email, f.email_domain, f.name, f.status, f.channel, f.city, f.country, f.created_on, f.valid_from, f.valid_to, f.is_current, f._source_bronze_id, in_batch_id
    FROM pg_temp.folded AS f
    WHERE NOT f._stands
    ORDER BY f.customer_id, f.valid_from;  -- the order of the index: neighbours are on one page
    GET DIAGNOSTICS io_inserted = ROW_COUNT;

    UPDATE dwh_lineage.targets AS t
    SET last_event_at = greatest(t.last_event_at, (SELECT max(e._effective) FROM pg_temp.fold_events AS e)),
        last_gone_at = CASE WHEN in_all THEN g.latest ELSE greatest(t.last_gone_at, g.latest) END
    FROM (SELECT (SELECT max(e._effective) FROM pg_temp.fold_events AS e WHERE e._deleted AND NOT EXISTS (SELECT 1 FROM silver.customers AS x WHERE x.customer_id = e.customer_id)) AS latest) AS g
    WHERE t.target = 'silver.customers';
END
$routine$;

-- Loads what waits for silver.customers: newer events are appended to their keys' histories, late ones fold
-- theirs again; rows that break a rule become exceptions. Takes the run's id. Locks the table's row in
-- dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.load_silver_customers(in_batch_id uuid DEFAULT NULL)
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
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.customers', l_batch_id);
    IF l_load.taken IS NULL THEN
        RETURN;
    END IF;
    SELECT t.last_event_at, t.last_gone_at INTO l_seen_until, l_gone_until FROM dwh_lineage.targets AS t
    WHERE t.target = 'silver.customers';
    PERFORM dwh_lineage.end_waivers('silver.customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_customers(l_load.taken, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    PERFORM dwh_etl.check_rules('silver.customers');
    PERFORM dwh_etl.record_rules('silver.customers', l_batch_id, l_read);
    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.customers', 'bronze.raw_customers', l_load.load_batch);

    IF EXISTS (
        SELECT 1 FROM dwh_lineage.batch_inputs AS i
        JOIN dwh_lineage.batches AS b ON b.batch_no = i.batch_no
        WHERE i.input_batch_no = ANY (l_load.taken) AND b.target = 'silver.customers' AND b.batch_no <> l_load.load_batch
    ) OR EXISTS (
        SELECT 1 FROM dwh_lineage.batches AS b
        JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.customers' AND x.batch_no <> l_load.load_batch
            AND x.bronze_id BETWEEN b.first_bronze_id AND b.last_bronze_id
        WHERE b.batch_no = ANY (l_load.taken)
    ) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.customers', l_load.load_batch, 'landed', 'holds its rules now'
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
        e.customer_id,
        e.email,
        e.email_domain,
        e.name,
        e.status,
        e.channel,
        e.city,
        e.country,
        e.created_on
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
    l_events := l_read - l_rejected;
    ANALYZE pg_temp.events;
    DROP TABLE IF EXISTS pg_temp.touched;
    CREATE TEMP TABLE touched ON COMMIT DROP AS
    SELECT n.*, (n._effective <= l_seen_until AND (n._stands OR n._effective <= l_gone_until)) IS TRUE AS _late
    FROM (
        SELECT g.*, EXISTS (SELECT 1 FROM silver.customers AS x WHERE x.customer_id = g.customer_id) AS _stands
        FROM (
            SELECT e.customer_id, min(e._effective) AS _effective
            FROM pg_temp.events AS e
            LEFT JOIN silver.customers AS s ON s.customer_id = e.customer_id
                AND s.valid_from <= e._effective AND (s.valid_to > e._effective OR s.valid_to IS NULL)
            WHERE CASE WHEN e._deleted THEN s._source_bronze_id IS NOT NULL
                ELSE s._source_bronze_id IS NULL OR NOT (ROW(s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on) IS NOT DISTINCT FROM ROW(e.email, e.email_domain, e.name, e.status, e.channel, e.city, e.country, e.created_on))
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
            SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.email) OVER history AS "was.email", lag(h.email_domain) OVER history AS "was.email_domain", lag(h.name) OVER history AS "was.name", lag(h.status) OVER history AS "was.status", lag(h.channel) OVER history AS "was.channel", lag(h.city) OVER history AS "was.city", lag(h.country) OVER history AS "was.country", lag(h.created_on) OVER history AS "was.created_on"
            FROM (
                SELECT w._bronze_id, w._effective, w._deleted, false AS _stands, w.customer_id, w.email, w.email_domain, w.name, w.status, w.channel, w.city, w.country, w.created_on
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.email, w.email_domain, w.name, w.status, w.channel, w.city, w.country, w.created_on, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM pg_temp.fresh AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.customer_id, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.email, e.email_domain, e.name, e.status, e.channel, e.city, e.country, e.created_on)
                    ) AS w
                    WHERE w._place = 1
                ) AS w
                UNION ALL
                SELECT s._source_bronze_id, s.valid_from, false, true, s.customer_id, s.email, s.email_domain, s.name, s.status, s.channel, s.city, s.country, s.created_on
                FROM silver.customers AS s
                JOIN pg_temp.touched AS t ON t.customer_id = s.customer_id
                WHERE s.is_current AND NOT t._late
            ) AS h
            WINDOW history AS (PARTITION BY h.customer_id ORDER BY h._effective)
        ) AS c
        WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.email, c.email_domain, c.name, c.status, c.channel, c.city, c.country, c.created_on) IS DISTINCT FROM ROW(c."was.email", c."was.email_domain", c."was.name", c."was.status", c."was.channel", c."was.city", c."was.country", c."was.created_on")))
    ) AS k;
    ANALYZE pg_temp.changes;

    UPDATE silver.customers AS s
    SET valid_to = c._until, is_current = c._until IS NULL, _batch_id = l_batch_id, _loaded_at = now()
    FROM pg_temp.changes AS c
    WHERE c._stands AND s.is_current AND s.customer_id = c.customer_id AND c._until IS NOT NULL;
    GET DIAGNOSTICS l_updated = ROW_COUNT;

    INSERT INTO silver.customers (
        customer_id, email, email_domain, name, status, channel, city, country, created_on, valid_from, valid_to, is_current, _source_bronze_id, _batch_id
    )
    SELECT c.customer_id, c.email, c.email_domain, c.name, c.status, c.channel, c.city, c.country, c.created_on, c._effective, c._until, c._until IS NULL, c._bronze_id, l_batch_id
    FROM pg_temp.changes AS c
    WHERE NOT c._deleted AND NOT c._stands;
    GET DIAGNOSTICS l_inserted = ROW_COUNT;

    SELECT array_agg(ROW(t.customer_id)::text) INTO l_late
    FROM pg_temp.touched AS t WHERE t._late;
    IF l_late IS NOT NULL THEN
        DROP TABLE IF EXISTS pg_temp.again;
        CREATE TEMP TABLE again ON COMMIT DROP AS
        SELECT v.* FROM dwh_etl.evaluate_silver_customers(NULL, l_late) AS v WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.customers' AND k.batch_no = v._batch_no);
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT e._bronze_id AS bronze_id FROM pg_temp.again AS e WHERE e._broken IS NULL;
        PERFORM dwh_lineage.close_exceptions(
            'silver.customers', l_load.load_batch, 'landed', 'holds its rules now'
        );
        DROP TABLE IF EXISTS pg_temp.fold_events;
        CREATE TEMP TABLE fold_events ON COMMIT DROP AS
        SELECT
            e._bronze_id,
            e.updated_at::timestamptz AS _effective,
            e._deleted,
            b.source_file AS _file,
            b.source_checksum AS _checksum,
            e.customer_id,
            e.email,
            e.email_domain,
            e.name,
            e.status,
            e.channel,
            e.city,
            e.country,
            e.created_on
        FROM pg_temp.again AS e
        JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
        WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
        INSERT INTO pg_temp.fold_events
        SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.email, z.email_domain, z.name, z.status, z.channel, z.city, z.country, z.created_on
        FROM dwh_staging.silver_customers_base AS z
        WHERE EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE t._late AND t.customer_id = z.customer_id);
        CALL dwh_etl.fold_silver_customers(l_batch_id, false, l_late_inserted, l_late_updated, l_late_deleted);
        l_inserted := l_inserted + l_late_inserted;
        l_updated := l_updated + l_late_updated;
        l_deleted := l_deleted + l_late_deleted;
    END IF;

    UPDATE dwh_lineage.targets
    SET last_event_at = greatest(last_event_at, (SELECT max(e._effective) FROM pg_temp.events AS e)),
        last_gone_at = greatest(last_gone_at, (SELECT max(e._effective) FROM pg_temp.events AS e WHERE e._deleted AND NOT EXISTS (SELECT 1 FROM silver.customers AS x WHERE x.customer_id = e.customer_id)))
    WHERE target = 'silver.customers';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_customers', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted, 0), l_rejected
    );
END
$routine$;

-- Makes silver.customers what bronze and the rules say, in place: only differences are written, and a version
-- that did not change keeps its surrogate key. Takes the run's id. Locks the table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.rebuild_silver_customers(in_batch_id uuid DEFAULT NULL)
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
    SELECT * INTO l_load FROM dwh_lineage.begin_load('silver.customers', l_batch_id, true);
    PERFORM dwh_lineage.end_waivers('silver.customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_customers(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.customers' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.customers', 'bronze.raw_customers', l_load.load_batch);

    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.customers', l_load.load_batch, 'landed', 'holds the rules of the rebuild'
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT x.bronze_id
    FROM dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.customers' AND x.state IN ('open', 'proposed', 'queued')
        AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
    PERFORM dwh_lineage.close_exceptions(
        'silver.customers', l_load.load_batch, 'superseded', 'the table does not take its row any more'
    );

    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.email,
        e.email_domain,
        e.name,
        e.status,
        e.channel,
        e.city,
        e.country,
        e.created_on
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
    l_events := l_read - l_rejected;
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.email, z.email_domain, z.name, z.status, z.channel, z.city, z.country, z.created_on
    FROM dwh_staging.silver_customers_base AS z;
    CALL dwh_etl.fold_silver_customers(l_batch_id, true, l_inserted, l_updated, l_deleted);

    UPDATE dwh_lineage.targets
    SET last_event_at = (SELECT max(e._effective) FROM pg_temp.fold_events AS e), needs_rebuild = false
    WHERE target = 'silver.customers';
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_customers', l_read), l_inserted, l_updated, l_deleted, greatest(l_events - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- Keeps what silver.customers says at in_horizon, as the base of later folds. Called by
-- dwh_etl.retire_partitions before it drops rows, which holds the table's row and moves its horizon.
CREATE OR REPLACE PROCEDURE dwh_etl.freeze_silver_customers(in_horizon timestamptz)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
SET plan_cache_mode = force_custom_plan
AS $routine$
DECLARE
    l_read bigint;
BEGIN
    PERFORM dwh_lineage.end_waivers('silver.customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_customers(NULL, NULL) AS v
    WHERE NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.customers' AND k.batch_no = v._batch_no);
    GET DIAGNOSTICS l_read = ROW_COUNT;

    -- What no load has taken, what waits for a person, and what one has rejected meanwhile is no part of the history.
    DELETE FROM pg_temp.evaluated AS e
    USING dwh_lineage.pendings AS p
    WHERE p.consumer = 'silver.customers' AND p.batch_no = e._batch_no;
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.email,
        e.email_domain,
        e.name,
        e.status,
        e.channel,
        e.city,
        e.country,
        e.created_on
    FROM pg_temp.evaluated AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
    DELETE FROM pg_temp.fold_events AS f
    USING dwh_lineage.quality_exceptions AS x
    WHERE x.target_table = 'silver.customers' AND x.bronze_id = f._bronze_id
        AND (x.state IN ('open', 'proposed', 'queued') OR x.state = 'rejected');
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.email, z.email_domain, z.name, z.status, z.channel, z.city, z.country, z.created_on
    FROM dwh_staging.silver_customers_base AS z;

    DROP TABLE IF EXISTS pg_temp.frozen;
    CREATE TEMP TABLE frozen ON COMMIT DROP AS
    SELECT k._bronze_id, k._effective, k._deleted, NULL::text AS _file, NULL::text AS _checksum, k.customer_id, k.email, k.email_domain, k.name, k.status, k.channel, k.city, k.country, k.created_on
    FROM (
        SELECT DISTINCT ON (k.customer_id) k.*
        FROM (
            SELECT c.*
            FROM (
                SELECT h.*, lag(h._deleted) OVER history AS _was_absent, lag(h.email) OVER history AS "was.email", lag(h.email_domain) OVER history AS "was.email_domain", lag(h.name) OVER history AS "was.name", lag(h.status) OVER history AS "was.status", lag(h.channel) OVER history AS "was.channel", lag(h.city) OVER history AS "was.city", lag(h.country) OVER history AS "was.country", lag(h.created_on) OVER history AS "was.created_on"
                FROM (
                    SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.email, w.email_domain, w.name, w.status, w.channel, w.city, w.country, w.created_on, w._first AS _bronze_id
                    FROM (
                        SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
                        FROM (SELECT f.* FROM pg_temp.fold_events AS f WHERE f._effective < in_horizon) AS e
                        WINDOW
                            last_first AS (
                                PARTITION BY e.customer_id, e._effective
                                ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                            ),
                            same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.email, e.email_domain, e.name, e.status, e.channel, e.city, e.country, e.created_on)
                    ) AS w
                    WHERE w._place = 1
                ) AS h
                WINDOW history AS (PARTITION BY h.customer_id ORDER BY h._effective)
            ) AS c
            WHERE (c._deleted <> coalesce(c._was_absent, true) OR (NOT c._deleted AND ROW(c.email, c.email_domain, c.name, c.status, c.channel, c.city, c.country, c.created_on) IS DISTINCT FROM ROW(c."was.email", c."was.email_domain", c."was.name", c."was.status", c."was.channel", c."was.city", c."was.country", c."was.created_on")))
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

    DELETE FROM dwh_staging.silver_customers_base;
    INSERT INTO dwh_staging.silver_customers_base (_bronze_id, _effective, _deleted, _file, _checksum, customer_id, email, email_domain, name, status, channel, city, country, created_on)
    SELECT f._bronze_id, f._effective, f._deleted, f._file, f._checksum, f.customer_id, f.email, f.email_domain, f.name, f.status, f.channel, f.city, f.country, f.created_on FROM pg_temp.frozen AS f;
END
$routine$;

-- Applies a decision to rows of silver.customers's source and lands them, or takes them out. Takes the decision,
-- the bronze ids and the run's id; called by dwh_lineage.replay_chunk, which knows which rows are due. Locks the
-- table's row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.replay_silver_customers(in_decision bigint, in_rows bigint[], in_batch_id uuid DEFAULT NULL)
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
        WHERE e.target_table = 'silver.customers' AND e.bronze_id = ANY (in_rows) AND e.state = 'landed'
            AND EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS d WHERE d.id = in_decision AND d.verb = 'undo')
    );
    IF l_landed <> '{}' THEN
        l_keys := ARRAY(
            SELECT DISTINCT ROW(v.customer_id)::text
            FROM dwh_etl.evaluate_silver_customers(NULL, NULL, l_landed) AS v WHERE v._broken IS NULL
        );
    END IF;
    SELECT dwh_lineage.begin_replay('silver.customers', l_batch_id) AS load_batch INTO l_load;
    l_rows := dwh_lineage.apply_decision(in_decision);
    DROP TABLE IF EXISTS pg_temp.evaluated;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_customers(NULL, NULL, l_rows) AS v;
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
        'silver.customers', 'bronze.raw_customers', l_load.load_batch, in_decision
    );
    DROP TABLE IF EXISTS pg_temp.closed;
    CREATE TEMP TABLE closed ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
    PERFORM dwh_lineage.close_exceptions(
        'silver.customers', l_load.load_batch, 'landed', 'decided', in_decision
    );
    IF l_read < cardinality(l_rows) THEN
        DROP TABLE IF EXISTS pg_temp.closed;
        CREATE TEMP TABLE closed ON COMMIT DROP AS
        SELECT x.bronze_id
        FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = 'silver.customers' AND x.state IN ('open', 'proposed', 'queued') AND x.bronze_id = ANY (l_rows)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = x.bronze_id);
        PERFORM dwh_lineage.close_exceptions(
            'silver.customers', l_load.load_batch, 'superseded', 'the table does not take its row any more', in_decision
        );
    END IF;
    SELECT t.last_gone_at INTO l_gone_until FROM dwh_lineage.targets AS t WHERE t.target = 'silver.customers';
    l_keys := l_keys || ARRAY(
        SELECT DISTINCT ROW(n.customer_id)::text
        FROM (
            SELECT e.*, e.updated_at::timestamptz AS _effective
            FROM pg_temp.evaluated AS e JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
            WHERE e._broken IS NULL
        ) AS n
        WHERE (EXISTS (SELECT 1 FROM silver.customers AS x WHERE x.customer_id = n.customer_id) OR n._effective <= l_gone_until)
    );
    DROP TABLE IF EXISTS pg_temp.again;
    -- The planner knows nothing of the corrections that were written a moment ago: it would look through all of them again
    -- for each of many rows.
    PERFORM set_config('enable_nestloop', CASE WHEN cardinality(l_rows) > 1000 THEN 'off' ELSE 'on' END, true);
    CREATE TEMP TABLE again ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_customers(NULL, l_keys) AS v WHERE l_keys <> '{}' AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.customers' AND k.batch_no = v._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.customers' AND p.batch_no = v._batch_no);
    PERFORM set_config('enable_nestloop', 'on', true);
    INSERT INTO pg_temp.again
    SELECT e.* FROM pg_temp.evaluated AS e
    WHERE e._broken IS NULL AND ROW(e.customer_id)::text <> ALL (l_keys) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.customers' AND k.batch_no = e._batch_no) AND NOT EXISTS (SELECT 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.customers' AND p.batch_no = e._batch_no);
    DROP TABLE IF EXISTS pg_temp.fold_events;
    CREATE TEMP TABLE fold_events ON COMMIT DROP AS
    SELECT
        e._bronze_id,
        e.updated_at::timestamptz AS _effective,
        e._deleted,
        b.source_file AS _file,
        b.source_checksum AS _checksum,
        e.customer_id,
        e.email,
        e.email_domain,
        e.name,
        e.status,
        e.channel,
        e.city,
        e.country,
        e.created_on
    FROM pg_temp.again AS e
    JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
    WHERE e._broken IS NULL AND coalesce(e.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true);
    INSERT INTO pg_temp.fold_events
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.email, z.email_domain, z.name, z.status, z.channel, z.city, z.country, z.created_on
    FROM dwh_staging.silver_customers_base AS z
    WHERE ROW(z.customer_id)::text = ANY (l_keys);
    CALL dwh_etl.fold_silver_customers(l_batch_id, false, l_inserted, l_updated, l_deleted);
    IF l_landed <> '{}' THEN
        DELETE FROM silver.customers AS s
        WHERE ROW(s.customer_id)::text = ANY (l_keys)
            AND coalesce(s.valid_from::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true)
            AND NOT EXISTS (SELECT 1 FROM pg_temp.fold_events AS e WHERE e.customer_id = s.customer_id);
        GET DIAGNOSTICS l_gone = ROW_COUNT;
        l_deleted := l_deleted + l_gone;
    END IF;
    PERFORM dwh_lineage.finish_load(
        l_load.load_batch, 'transform', jsonb_build_object('bronze.raw_customers', l_read),
        l_inserted, l_updated, l_deleted,
        greatest(l_read - l_rejected - l_inserted - l_updated, 0), l_rejected
    );
END
$routine$;

-- What became of each row of bronze.raw_customers in silver.customers: exactly one outcome a row; NULL is a gap.
-- Reads the rows themselves. No side effects.
CREATE OR REPLACE FUNCTION dwh_etl.outcomes_silver_customers()
RETURNS TABLE (bronze_id bigint, outcome text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $routine$
WITH events AS MATERIALIZED (
    SELECT v._bronze_id, v.updated_at::timestamptz AS _effective, v._deleted, b.source_file AS _file, b.source_checksum AS _checksum, v.customer_id, v.email, v.email_domain, v.name, v.status, v.channel, v.city, v.country, v.created_on, coalesce(v.updated_at::timestamptz >= (SELECT z.fold_horizon FROM dwh_lineage.targets AS z WHERE z.target = 'silver.customers'), true) AS _live
    FROM dwh_etl.evaluate_silver_customers(NULL, NULL) AS v
    JOIN dwh_lineage.batches AS b ON b.batch_no = v._batch_no
    WHERE v._broken IS NULL AND NOT EXISTS (SELECT 1 FROM dwh_lineage.skips AS k WHERE k.consumer = 'silver.customers' AND k.batch_no = v._batch_no) AND NOT EXISTS (
        SELECT 1 FROM dwh_lineage.pendings AS p
        WHERE p.consumer = 'silver.customers' AND p.batch_no = v._batch_no
    )
    UNION ALL
    SELECT z._bronze_id, z._effective, z._deleted, z._file, z._checksum, z.customer_id, z.email, z.email_domain, z.name, z.status, z.channel, z.city, z.country, z.created_on, true
    FROM dwh_staging.silver_customers_base AS z
), moments AS MATERIALIZED (
    -- One row for each key and time; _changes: the history must have a version that begins there, or end there.
    SELECT c._effective, c._deleted, c._bronze_id, c.customer_id, c.email, c.email_domain, c.name, c.status, c.channel, c.city, c.country, c.created_on,
        c._deleted <> coalesce(c._was_absent, true)
            OR (NOT c._deleted AND ROW(c.email, c.email_domain, c.name, c.status, c.channel, c.city, c.country, c.created_on) IS DISTINCT FROM ROW(c."was.email", c."was.email_domain", c."was.name", c."was.status", c."was.channel", c."was.city", c."was.country", c."was.created_on")) AS _changes
    FROM (
        SELECT x.*, lag(x._deleted) OVER history AS _was_absent, lag(x.email) OVER history AS "was.email", lag(x.email_domain) OVER history AS "was.email_domain", lag(x.name) OVER history AS "was.name", lag(x.status) OVER history AS "was.status", lag(x.channel) OVER history AS "was.channel", lag(x.city) OVER history AS "was.city", lag(x.country) OVER history AS "was.country", lag(x.created_on) OVER history AS "was.created_on"
        FROM (
        SELECT w._effective, w._deleted, false AS _stands, w.customer_id, w.email, w.email_domain, w.name, w.status, w.channel, w.city, w.country, w.created_on, w._first AS _bronze_id
        FROM (
            SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
            FROM (SELECT v.* FROM events AS v WHERE v._live) AS e
            WINDOW
                last_first AS (
                    PARTITION BY e.customer_id, e._effective
                    ORDER BY e._file COLLATE "C" DESC NULLS LAST, e._checksum DESC NULLS LAST, e._bronze_id DESC
                ),
                same AS (PARTITION BY e.customer_id, e._effective, e._deleted, e.email, e.email_domain, e.name, e.status, e.channel, e.city, e.country, e.created_on)
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
        WHEN NOT (ROW(e._deleted, e.email, e.email_domain, e.name, e.status, e.channel, e.city, e.country, e.created_on) IS NOT DISTINCT FROM ROW(w._deleted, w.email, w.email_domain, w.name, w.status, w.channel, w.city, w.country, w.created_on)) THEN 'superseded'
        ELSE 'unchanged'
    END AS outcome
    FROM events AS e
    JOIN moments AS w ON w.customer_id = e.customer_id AND w._effective = e._effective
    LEFT JOIN silver.customers AS s
        ON s.customer_id = e.customer_id AND s.valid_from = e._effective AND w._changes
    WHERE e._live
    UNION ALL
    -- Before the horizon nothing is folded again; the row that says what holds there is in the base.
    SELECT e._bronze_id, CASE WHEN EXISTS (SELECT 1 FROM silver.customers AS s WHERE s._source_bronze_id = e._bronze_id) THEN 'history' ELSE 'frozen' END
    FROM events AS e
    WHERE NOT e._live
        AND NOT EXISTS (SELECT 1 FROM dwh_staging.silver_customers_base AS z WHERE z._bronze_id = e._bronze_id)
)
SELECT r._bronze_id, CASE
    WHEN p.batch_no IS NOT NULL THEN 'waiting'
    WHEN k.batch_no IS NOT NULL THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'skipped' END
    WHEN x.state IN ('open', 'proposed', 'queued') THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'quarantined' END
    WHEN x.state = 'rejected' THEN CASE WHEN d.outcome IN ('current', 'history') THEN NULL ELSE 'rejected' END
    WHEN d._bronze_id IS NOT NULL THEN d.outcome
    WHEN x.state = 'superseded' THEN 'superseded'
END
FROM bronze.raw_customers_rows AS r
LEFT JOIN said AS d ON d._bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.quality_exceptions AS x ON x.target_table = 'silver.customers' AND x.bronze_id = r._bronze_id
LEFT JOIN dwh_lineage.pendings AS p ON p.consumer = 'silver.customers' AND p.batch_no = r._batch_no
LEFT JOIN dwh_lineage.skips AS k ON k.consumer = 'silver.customers' AND k.batch_no = r._batch_no
$routine$;

-- Records what a load of silver.customers would reject, as exceptions and metrics, and loads nothing: to be
-- called after a load that its gate refused. The batches go on waiting. Takes the run's id. Locks the table's
-- row in dwh_lineage.targets.
CREATE OR REPLACE PROCEDURE dwh_etl.evidence_silver_customers(in_batch_id uuid DEFAULT NULL)
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
    UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = 'silver.customers';
    l_waiting := ARRAY(SELECT p.batch_no FROM dwh_lineage.pendings AS p WHERE p.consumer = 'silver.customers' ORDER BY 1);
    IF l_waiting = '{}' THEN
        RETURN;
    END IF;
    SELECT dwh_lineage.open_batch('silver.customers', 'load', l_batch_id) AS load_batch INTO l_load;
    PERFORM dwh_lineage.end_waivers('silver.customers');
    DROP TABLE IF EXISTS pg_temp.evaluated;
    CREATE TEMP TABLE evaluated ON COMMIT DROP AS
    SELECT v.* FROM dwh_etl.evaluate_silver_customers(l_waiting, NULL) AS v;
    GET DIAGNOSTICS l_read = ROW_COUNT;

    DROP TABLE IF EXISTS pg_temp.rejected;
    CREATE TEMP TABLE rejected ON COMMIT DROP AS
    SELECT e._bronze_id AS bronze_id, e._source_id AS source_id, e._broken AS broken, e._seen AS seen,
        e._source_data AS source_data
    FROM pg_temp.evaluated AS e
    WHERE e._broken IS NOT NULL;
    l_rejected := dwh_lineage.record_exceptions('silver.customers', 'bronze.raw_customers', l_load.load_batch);

    PERFORM dwh_etl.record_rules('silver.customers', l_batch_id, l_read);
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
    'silver.customers',
    'silver',
    'scd2',
    'ecommerce',
    'One row for each customer and period.',
     E'{"about": {"owner": "crm team", "pii": {"email": true, "name": true}, "tags": ["crm", "customers"]}, "columns": [{"expression": "id", "name": "customer_id", "type": "uuid"}, {"doc": "Where receipts go; in small letters", "expression": "nullif(lower(trim(email)), '''')", "name": "email", "rules": [{"condition": "btrim(email) <> ''''", "kind": "required", "message": "The e-mail is missing"}, {"condition": "(email IS NULL OR email ~  E''^[^@[:space:]]+@[^@[:space:]]+\\\\\\\\.[^@[:space:]]+$'')", "kind": "matches", "message": "The e-mail is no address", "null": true, "pattern": "^[^@[:space:]]+@[^@[:space:]]+\\\\.[^@[:space:]]+$"}], "type": "text"}, {"expression": "split_part(lower(trim(email)), ''@'', 2)", "name": "email_domain", "type": "text"}, {"expression": "trim(name)", "name": "name", "rules": [{"condition": "char_length(name) >= 2", "kind": "min_length", "length": 2, "message": "The name has fewer than two characters"}], "type": "text"}, {"expression": "lower(trim(status))", "name": "status", "rules": [{"condition": "status IN (''active'', ''inactive'', ''suspended'')", "held": true, "kind": "one_of", "message": "status is none of active, inactive, suspended", "values": ["active", "inactive", "suspended"]}], "type": "text", "values": ["active", "inactive", "suspended"]}, {"expression": "lower(trim(channel))", "name": "channel", "rules": [{"condition": "channel IN (''web'', ''app'', ''store'', ''partner'')", "held": true, "kind": "one_of", "message": "channel is none of web, app, store, partner", "values": ["web", "app", "store", "partner"]}], "type": "text", "values": ["web", "app", "store", "partner"]}, {"expression": "trim(city)", "name": "city", "rules": [{"condition": "char_length(city) >= 2", "kind": "min_length", "length": 2, "message": "The city has fewer than two characters"}], "type": "text"}, {"expression": "upper(trim(country))", "name": "country", "rules": [{"condition": "country IN (''AT'', ''CH'', ''DE'', ''ES'', ''FR'', ''GB'', ''US'')", "held": true, "kind": "one_of", "message": "country is none of AT, CH, DE, ES, FR, GB, US", "values": ["AT", "CH", "DE", "ES", "FR", "GB", "US"]}], "type": "text", "values": ["AT", "CH", "DE", "ES", "FR", "GB", "US"]}, {"expression": "created_date", "name": "created_on", "rules": [{"condition": "created_on IS NOT NULL", "kind": "required", "message": "created_on is missing"}], "type": "date"}, {"expression": "updated_date", "name": "updated_at", "type": "timestamptz"}], "deleted_when": "op = ''D''", "description": "One row for each customer and period.", "effective": "updated_at", "key": ["customer_id"], "kind": "scd2", "layer": "silver", "name": "customers", "routines": {"validate_customer": "-- What the rules of silver.customers say of an e-mail, a name and a status: whether they hold, and what is wrong. NULL\\n-- breaks a rule like any other value that is none. Other columns'' rules are not asked. See dwh_etl.judge_row.\\nCREATE FUNCTION dwh_etl.validate_customer(in_email text, in_name text, in_status text)\\nRETURNS TABLE (is_valid boolean, issues text[])\\nLANGUAGE sql\\nAS $$\\n    SELECT count(*) = 0, coalesce(array_agg(j.message), ''{}'')\\n    FROM dwh_etl.judge_row(\\n        ''silver.customers'', jsonb_build_object(''email'', in_email, ''name'', in_name, ''status'', in_status)\\n    ) AS j\\n    WHERE j.column_name IN (''email'', ''name'', ''status'');\\n$$;\\nCOMMENT ON FUNCTION dwh_etl.validate_customer(text, text, text) IS ''What the rules say of a customer'';\\n"}, "source": "bronze.raw_customers", "source_columns": ["id", "email", "name", "status", "channel", "city", "country", "created_date", "updated_date", "op"]}'::jsonb,
    'silver.customers',
    'dwh_etl.load_silver_customers',
    'dwh_etl.rebuild_silver_customers',
    'dwh_etl.replay_silver_customers',
    'dwh_etl.outcomes_silver_customers'
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

UPDATE dwh_lineage.quality_rules SET active = false WHERE target = 'silver.customers' AND active;
INSERT INTO dwh_lineage.quality_rules (
    target, rule, position, column_name, kind, definition, message, version, can_be_waived, severity, threshold,
    is_check, active
)
VALUES
    ('silver.customers', 'customer_id:castable', 1, 'customer_id', 'castable', '{"kind": "castable", "type": "uuid"}'::jsonb, 'customer_id is no uuid', '4a601e664744', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'customer_id:required', 2, 'customer_id', 'required', '{"condition": "customer_id IS NOT NULL", "kind": "required", "message": "customer_id is missing"}'::jsonb, 'customer_id is missing', 'ef71ad93a122', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'email:required', 3, 'email', 'required', '{"condition": "btrim(email) <> ''''", "kind": "required", "message": "The e-mail is missing"}'::jsonb, 'The e-mail is missing', '8c59d138d974', true, 'quarantine', NULL, false, true),
    ('silver.customers', 'email:matches', 4, 'email', 'matches',  E'{"condition": "(email IS NULL OR email ~  E''^[^@[:space:]]+@[^@[:space:]]+\\\\\\\\.[^@[:space:]]+$'')", "kind": "matches", "message": "The e-mail is no address", "null": true, "pattern": "^[^@[:space:]]+@[^@[:space:]]+\\\\.[^@[:space:]]+$"}'::jsonb, 'The e-mail is no address', 'c5bc065d9a21', true, 'quarantine', NULL, false, true),
    ('silver.customers', 'name:min_length', 5, 'name', 'min_length', '{"condition": "char_length(name) >= 2", "kind": "min_length", "length": 2, "message": "The name has fewer than two characters"}'::jsonb, 'The name has fewer than two characters', '3184f1ec0bef', true, 'quarantine', NULL, false, true),
    ('silver.customers', 'status:one_of', 6, 'status', 'one_of', '{"condition": "status IN (''active'', ''inactive'', ''suspended'')", "held": true, "kind": "one_of", "message": "status is none of active, inactive, suspended", "values": ["active", "inactive", "suspended"]}'::jsonb, 'status is none of active, inactive, suspended', 'e2c5eb69c8d8', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'channel:one_of', 7, 'channel', 'one_of', '{"condition": "channel IN (''web'', ''app'', ''store'', ''partner'')", "held": true, "kind": "one_of", "message": "channel is none of web, app, store, partner", "values": ["web", "app", "store", "partner"]}'::jsonb, 'channel is none of web, app, store, partner', '60ee7b4b8d59', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'city:min_length', 8, 'city', 'min_length', '{"condition": "char_length(city) >= 2", "kind": "min_length", "length": 2, "message": "The city has fewer than two characters"}'::jsonb, 'The city has fewer than two characters', 'b95e5b60ca0c', true, 'quarantine', NULL, false, true),
    ('silver.customers', 'country:one_of', 9, 'country', 'one_of', '{"condition": "country IN (''AT'', ''CH'', ''DE'', ''ES'', ''FR'', ''GB'', ''US'')", "held": true, "kind": "one_of", "message": "country is none of AT, CH, DE, ES, FR, GB, US", "values": ["AT", "CH", "DE", "ES", "FR", "GB", "US"]}'::jsonb, 'country is none of AT, CH, DE, ES, FR, GB, US', 'df804e631b89', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'created_on:castable', 10, 'created_on', 'castable', '{"kind": "castable", "type": "date"}'::jsonb, 'created_on is no date', 'ba8b4e615b60', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'created_on:required', 11, 'created_on', 'required', '{"condition": "created_on IS NOT NULL", "kind": "required", "message": "created_on is missing"}'::jsonb, 'created_on is missing', 'eafc535dd8ef', true, 'quarantine', NULL, false, true),
    ('silver.customers', 'updated_at:castable', 12, 'updated_at', 'castable', '{"kind": "castable", "type": "timestamptz"}'::jsonb, 'updated_at is no timestamp', '511a02906e39', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'updated_at:required', 13, 'updated_at', 'required', '{"condition": "updated_at IS NOT NULL", "kind": "required", "message": "updated_at is missing"}'::jsonb, 'updated_at is missing', 'cd0dd00374b7', false, 'quarantine', NULL, false, true),
    ('silver.customers', 'updated_at:before_horizon', 14, 'updated_at', 'before_horizon', '{"kind": "before_horizon", "message": "updated_at lies before the fold horizon, and would change history that is settled"}'::jsonb, 'updated_at lies before the fold horizon, and would change history that is settled', 'a9a3d8865c5d', false, 'quarantine', NULL, false, true)
ON CONFLICT (target, rule, version) DO UPDATE SET
    position = excluded.position,
    definition = excluded.definition,
    message = excluded.message,
    can_be_waived = excluded.can_be_waived,
    severity = excluded.severity,
    threshold = excluded.threshold,
    active = true;

SELECT dwh_lineage.register_input('silver.customers', 'bronze.raw_customers');

DELETE FROM dwh_lineage.column_lineage WHERE target_table = 'silver.customers' AND lineage_id IS NULL;
INSERT INTO dwh_lineage.column_lineage (
    source_table, source_column, target_table, target_column, transformation, kind, is_key
)
VALUES
    ('bronze.raw_customers', 'id', 'silver.customers', 'customer_id', 'id', 'DIRECT', true),
    ('bronze.raw_customers', 'email', 'silver.customers', 'email', 'nullif(lower(trim(email)), '''')', 'DIRECT', false),
    ('bronze.raw_customers', 'email', 'silver.customers', 'email_domain', 'split_part(lower(trim(email)), ''@'', 2)', 'DIRECT', false),
    ('bronze.raw_customers', 'name', 'silver.customers', 'name', 'trim(name)', 'DIRECT', false),
    ('bronze.raw_customers', 'status', 'silver.customers', 'status', 'lower(trim(status))', 'DIRECT', false),
    ('bronze.raw_customers', 'channel', 'silver.customers', 'channel', 'lower(trim(channel))', 'DIRECT', false),
    ('bronze.raw_customers', 'city', 'silver.customers', 'city', 'trim(city)', 'DIRECT', false),
    ('bronze.raw_customers', 'country', 'silver.customers', 'country', 'upper(trim(country))', 'DIRECT', false),
    ('bronze.raw_customers', 'created_date', 'silver.customers', 'created_on', 'created_date', 'DIRECT', false),
    ('bronze.raw_customers', 'updated_date', 'silver.customers', 'valid_from', 'updated_date', 'DIRECT', false),
    ('bronze.raw_customers', 'op', 'silver.customers', '*', 'op = ''D''', 'INDIRECT', false);

-- What the rules of silver.customers say of an e-mail, a name and a status: whether they hold, and what is wrong. NULL
-- breaks a rule like any other value that is none. Other columns' rules are not asked. See dwh_etl.judge_row.
CREATE FUNCTION dwh_etl.validate_customer(in_email text, in_name text, in_status text)
RETURNS TABLE (is_valid boolean, issues text[])
LANGUAGE sql
AS $$
    SELECT count(*) = 0, coalesce(array_agg(j.message), '{}')
    FROM dwh_etl.judge_row(
        'silver.customers', jsonb_build_object('email', in_email, 'name', in_name, 'status', in_status)
    ) AS j
    WHERE j.column_name IN ('email', 'name', 'status');
$$;
COMMENT ON FUNCTION dwh_etl.validate_customer(text, text, text) IS 'What the rules say of a customer';
