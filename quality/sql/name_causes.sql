-- Makes the issues to which the breaches in pg_temp.breaking belong: that of their cause, else that of their rule.
-- A cause gets an issue of its own as soon as it has ten rows that are a tenth of what breaks the rule: in this load, or
-- in this load and the latest thousand rows of the rule's own issue together; those of that thousand move to it. So
-- nothing here counts what lies in the table, and a rule has twenty causes at most.
-- pg_temp.breaking: (rule text, cause text), one row for each breach; record_exceptions makes it. Locks nothing that another load holds: only loads of in_target write its breaches.
CREATE FUNCTION dwh_lineage.name_causes(in_target text, in_batch_no bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DROP TABLE IF EXISTS pg_temp.lately;
    CREATE TEMP TABLE lately ON COMMIT DROP AS
    SELECT s.id AS breach_id, s.exception_id, i.id AS issue_id, i.rule, dwh_lineage.cause_of(q.kind, s.value) AS cause
    FROM (SELECT DISTINCT b.rule FROM pg_temp.breaking AS b WHERE b.cause IS NOT NULL) AS r
    JOIN dwh_lineage.quality_issues AS i ON i.fingerprint = in_target || ' ' || r.rule
    JOIN dwh_lineage.quality_rules AS q ON q.target = in_target AND q.rule = r.rule AND q.active
    CROSS JOIN LATERAL (
        SELECT b.id, b.exception_id, b.value FROM dwh_lineage.exception_breaches AS b
        WHERE b.issue_id = i.id
        ORDER BY b.exception_id DESC  -- Uses index exception_breaches_issue_idx
        LIMIT 1000
    ) AS s;

    WITH seen AS MATERIALIZED (
        SELECT x.rule, x.cause, count(*) AS rows
        FROM (
            SELECT b.rule, b.cause FROM pg_temp.breaking AS b UNION ALL SELECT l.rule, l.cause FROM pg_temp.lately AS l
        ) AS x
        GROUP BY x.rule, x.cause
    ), found AS (
        SELECT s.rule, s.cause, s.rows, row_number() OVER (PARTITION BY s.rule ORDER BY s.rows DESC, s.cause) AS place
        FROM seen AS s
        JOIN (SELECT t.rule, sum(t.rows) AS rows FROM seen AS t GROUP BY t.rule) AS a ON a.rule = s.rule
        WHERE s.cause IS NOT NULL AND s.rows >= 10 AND s.rows * 10 >= a.rows
            AND NOT EXISTS (
                SELECT 1 FROM dwh_lineage.quality_issues AS i
                WHERE i.fingerprint = in_target || ' ' || s.rule || ' ' || s.cause
            )
    )
    INSERT INTO dwh_lineage.quality_issues (fingerprint, target, rule, column_name, cause, title, first_batch_no)
    SELECT in_target || ' ' || f.rule || ' ' || f.cause, in_target, f.rule, r.column_name, f.cause,
        CASE left(f.cause, 1)
            WHEN '=' THEN format('%s = %L', r.column_name, substr(f.cause, 2))
            ELSE format('%s written %s', r.column_name, substr(f.cause, 2))
        END,
        in_batch_no
    FROM found AS f
    JOIN dwh_lineage.quality_rules AS r ON r.target = in_target AND r.rule = f.rule AND r.active
    WHERE f.place + (
        SELECT count(*) FROM dwh_lineage.quality_issues AS i
        WHERE i.target = in_target AND i.rule = f.rule AND i.cause IS NOT NULL
    ) <= 20
    ORDER BY f.rows DESC;

    INSERT INTO dwh_lineage.quality_issues (fingerprint, target, rule, column_name, title, first_batch_no)
    SELECT in_target || ' ' || r.rule, in_target, r.rule, r.column_name, r.message, in_batch_no
    FROM dwh_lineage.quality_rules AS r
    WHERE r.target = in_target AND r.active AND EXISTS (
        SELECT 1 FROM pg_temp.breaking AS b
        WHERE b.rule = r.rule AND (b.cause IS NULL OR NOT EXISTS (
            SELECT 1 FROM dwh_lineage.quality_issues AS i
            WHERE i.fingerprint = in_target || ' ' || b.rule || ' ' || b.cause
        ))
    )
    ON CONFLICT (fingerprint) DO NOTHING;

    WITH moved AS (
        UPDATE dwh_lineage.exception_breaches AS b
        SET issue_id = i.id
        FROM pg_temp.lately AS l
        JOIN dwh_lineage.quality_issues AS i ON i.fingerprint = in_target || ' ' || l.rule || ' ' || l.cause
        WHERE b.id = l.breach_id
        RETURNING b.exception_id, l.issue_id AS was, b.issue_id AS becomes
    )
    INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
    SELECT x.issue_id, in_batch_no, sum(x.rows)
    FROM moved AS m
    JOIN dwh_lineage.quality_exceptions AS e ON e.id = m.exception_id AND e.state IN ('open', 'proposed', 'queued')
    CROSS JOIN LATERAL (VALUES (m.was, -1), (m.becomes, 1)) AS x (issue_id, rows)
    GROUP BY x.issue_id;
END
$$;
COMMENT ON FUNCTION dwh_lineage.name_causes(text, bigint) IS 'Makes the issues of breaches';
