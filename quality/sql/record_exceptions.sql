-- Puts the rows in pg_temp.rejected before people: one exception for each row, one breach for each rule it breaks, one
-- issue for each cause (name_causes). A row that is an exception already is written anew only where it breaks other rules than before; where it
-- breaks the same with other values, corrected ones, its breaches show these.
-- pg_temp.rejected: (bronze_id bigint, source_id text, broken smallint[] -- positions in quality_rules,
-- seen jsonb -- column → what its expression gave, source_data jsonb). The load makes it.
-- in_decision: the decision whose rows they are, in a replay: those that are queued by it are open again.
-- Locks nothing that another load holds: only loads of in_target write its exceptions, and they exclude each other.
CREATE FUNCTION dwh_lineage.record_exceptions(
    in_target text,
    in_source_table text,
    in_batch_no bigint,
    in_decision bigint DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_count bigint;
BEGIN
    IF in_decision IS NULL THEN
        PERFORM dwh_lineage.hear_source(in_target, in_batch_no);
    END IF;
    -- Small, and the same for each row: the planner should know that.
    ANALYZE pg_temp.rejected;
    SELECT count(*) INTO l_count FROM pg_temp.rejected;
    IF l_count = 0 THEN
        RETURN 0;
    END IF;

    DROP TABLE IF EXISTS pg_temp.recorded;
    PERFORM set_config('assay.changes_states', 'on', true);
    CREATE TEMP TABLE recorded ON COMMIT DROP AS
    WITH written AS (
        INSERT INTO dwh_lineage.quality_exceptions AS e (
            source_table, source_id, bronze_id, issues, source_data, target_table, batch_no
        )
        SELECT
            in_source_table, x.source_id, x.bronze_id,
            (
                SELECT array_agg(r.message ORDER BY r.position)
                FROM dwh_lineage.quality_rules AS r
                WHERE r.target = in_target AND r.active AND r.position = ANY (x.broken)
            ),
            x.source_data, in_target, in_batch_no
        FROM pg_temp.rejected AS x
        ON CONFLICT (target_table, bronze_id) DO UPDATE
            SET issues = excluded.issues,
                source_data = excluded.source_data,
                state = CASE
                    WHEN e.state IN ('landed', 'superseded') OR (e.state = 'queued' AND in_decision IS NOT NULL) THEN 'open'
                    ELSE e.state
                END,
                resolved_at = CASE WHEN e.state IN ('landed', 'superseded') THEN NULL ELSE e.resolved_at END,
                resolution = CASE WHEN e.state IN ('landed', 'superseded') THEN NULL ELSE e.resolution END
            WHERE e.issues <> excluded.issues OR e.state IN ('landed', 'superseded')
                OR (e.state = 'queued' AND in_decision IS NOT NULL)
        -- xmax is 0 on a row that is new.
        RETURNING e.id, e.bronze_id, e.state, e.xmax = 0 AS is_new
    )
    SELECT w.id, w.state, x.broken, x.seen,
        -- This statement's snapshot still has the row as it was.
        CASE WHEN NOT w.is_new THEN (SELECT e.state FROM dwh_lineage.quality_exceptions AS e WHERE e.id = w.id) END AS was
    FROM written AS w
    JOIN pg_temp.rejected AS x ON x.bronze_id = w.bronze_id;
    PERFORM set_config('assay.changes_states', '', true);

    WITH gone AS (
        DELETE FROM dwh_lineage.exception_breaches AS b
        USING pg_temp.recorded AS w
        WHERE w.was IS NOT NULL AND b.exception_id = w.id
        RETURNING b.issue_id, w.was
    )
    INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
    -- One that was closed is not counted any more.
    SELECT g.issue_id, in_batch_no, -count(*) FROM gone AS g
    WHERE g.was NOT IN ('landed', 'superseded') GROUP BY g.issue_id;

    DROP TABLE IF EXISTS pg_temp.breaking;
    CREATE TEMP TABLE breaking ON COMMIT DROP AS
    SELECT w.id AS exception_id, NULL::bigint AS breach_id, r.rule, r.column_name, w.seen ->> r.column_name AS value,
        r.message, dwh_lineage.cause_of(r.kind, w.seen ->> r.column_name) AS cause
    FROM pg_temp.recorded AS w
    CROSS JOIN LATERAL unnest(w.broken) AS k (position)
    JOIN dwh_lineage.quality_rules AS r ON r.target = in_target AND r.active AND r.position = k.position;
    IF (SELECT count(*) FROM pg_temp.recorded) < l_count THEN
        INSERT INTO pg_temp.breaking
        SELECT e.id, b.id, b.rule, b.column_name, x.seen ->> b.column_name, b.message,
            dwh_lineage.cause_of(r.kind, x.seen ->> b.column_name)
        FROM pg_temp.rejected AS x
        JOIN dwh_lineage.quality_exceptions AS e ON e.target_table = in_target AND e.bronze_id = x.bronze_id
        JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = e.id
        JOIN dwh_lineage.quality_rules AS r ON r.target = in_target AND r.active AND r.rule = b.rule
        WHERE b.value IS DISTINCT FROM x.seen ->> b.column_name
            AND NOT EXISTS (SELECT 1 FROM pg_temp.recorded AS w WHERE w.id = e.id);
        -- The table may have another key by now.
        UPDATE dwh_lineage.quality_exceptions AS e
        SET source_id = x.source_id
        FROM pg_temp.rejected AS x
        WHERE e.target_table = in_target AND e.bronze_id = x.bronze_id AND e.source_id IS DISTINCT FROM x.source_id;
    END IF;
    PERFORM dwh_lineage.name_causes(in_target, in_batch_no);

    WITH named AS MATERIALIZED (
        SELECT b.*, coalesce(own.id, rest.id) AS issue_id
        FROM pg_temp.breaking AS b
        LEFT JOIN dwh_lineage.quality_issues AS own ON own.fingerprint = in_target || ' ' || b.rule || ' ' || b.cause
        LEFT JOIN dwh_lineage.quality_issues AS rest ON rest.fingerprint = in_target || ' ' || b.rule
    ), made AS (
        INSERT INTO dwh_lineage.exception_breaches (exception_id, issue_id, rule, column_name, value, message)
        SELECT n.exception_id, n.issue_id, n.rule, n.column_name, n.value, n.message
        FROM named AS n WHERE n.breach_id IS NULL
        RETURNING issue_id
    ), shown AS (
        UPDATE dwh_lineage.exception_breaches AS b
        SET value = n.value, issue_id = n.issue_id
        FROM named AS n
        WHERE n.breach_id = b.id
        -- This statement's snapshot still has the row as it was.
        RETURNING b.issue_id, (
            SELECT o.issue_id FROM dwh_lineage.exception_breaches AS o WHERE o.id = b.id
        ) AS was
    )
    INSERT INTO dwh_lineage.issue_deltas (issue_id, batch_no, delta)
    SELECT c.issue_id, in_batch_no, sum(c.rows)
    FROM (
        SELECT m.issue_id, 1 AS rows FROM made AS m
        UNION ALL
        SELECT x.issue_id, x.rows
        FROM shown AS s
        CROSS JOIN LATERAL (VALUES (s.was, -1), (s.issue_id, 1)) AS x (issue_id, rows)
        WHERE s.was <> s.issue_id
    ) AS c
    GROUP BY c.issue_id;

    INSERT INTO dwh_lineage.exception_events (exception_id, from_state, to_state, batch_no, decision_id)
    SELECT w.id, w.was, w.state, in_batch_no, in_decision FROM pg_temp.recorded AS w;
    IF in_decision IS NULL AND EXISTS (SELECT 1 FROM pg_temp.recorded AS w WHERE w.was IS NULL) THEN
        PERFORM dwh_lineage.propose_corrections(in_target, in_batch_no);
        PERFORM dwh_lineage.mark_regressed(in_target, in_batch_no);
    END IF;
    RETURN l_count;
END
$$;
COMMENT ON FUNCTION dwh_lineage.record_exceptions(text, text, bigint, bigint) IS 'Puts rejected rows before people';
