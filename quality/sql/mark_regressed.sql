-- Marks the issues of in_target that a decision had corrected and that the batch in_batch_no of it brings back: with rows
-- of a bronze batch, or by a version of the rule, that is later than the correction. Not so where a correction rule takes
-- care of them. People are notified, once for each correction. Called by record_exceptions. Locks the issues.
CREATE FUNCTION dwh_lineage.mark_regressed(in_target text, in_batch_no bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_back record;
BEGIN
    FOR l_back IN
        SELECT i.id, i.title, f.decision, f.finished_at
        FROM dwh_lineage.quality_issues AS i
        JOIN LATERAL (
            SELECT d.id AS decision, d.finished_at
            FROM dwh_lineage.quality_decisions AS d
            WHERE d.target = in_target AND d.verb = 'correct' AND d.landed > 0 AND d.finished_at IS NOT NULL
                AND d.selection ->> 'issue' = i.id::text
                AND NOT EXISTS (SELECT 1 FROM dwh_lineage.quality_decisions AS u WHERE u.undoes_id = d.id)
            ORDER BY d.id DESC LIMIT 1
        ) AS f ON true
        JOIN dwh_lineage.quality_rules AS q ON q.target = i.target AND q.rule = i.rule AND q.active
        CROSS JOIN LATERAL (
            SELECT max(e.bronze_id) AS bronze_id, max(e.source_table) AS source
            FROM dwh_lineage.quality_exceptions AS e
            JOIN dwh_lineage.exception_breaches AS b ON b.exception_id = e.id
            WHERE e.batch_no = in_batch_no AND b.issue_id = i.id
        ) AS n
        WHERE i.target = in_target AND (i.regressed_at IS NULL OR i.regressed_at < f.finished_at)
            AND n.bronze_id IS NOT NULL
            AND (q.created_at > f.finished_at OR EXISTS (
                SELECT 1 FROM dwh_lineage.batches AS s
                WHERE s.target = n.source AND s.ingested_at > f.finished_at
                    AND n.bronze_id BETWEEN s.first_bronze_id AND coalesce(s.last_bronze_id, n.bronze_id)
            ))
            AND NOT EXISTS (
                SELECT 1 FROM dwh_lineage.correction_rules AS r WHERE r.issue_id = i.id AND r.active
            )
    LOOP
        UPDATE dwh_lineage.quality_issues SET regressed_at = clock_timestamp() WHERE id = l_back.id;
        INSERT INTO dwh_lineage.issue_events (issue_id, act, text, batch_no)
        VALUES (l_back.id, 'regressed', format('after decision %s', l_back.decision), in_batch_no);
        PERFORM dwh_lineage.notify_once(
            format('issue %s regressed %s', l_back.id, l_back.decision), 'issue_again', l_back.id, l_back.title,
            format('%s: it comes back after decision %s', in_target, l_back.decision)
        );
    END LOOP;
END
$$;
COMMENT ON FUNCTION dwh_lineage.mark_regressed(text, bigint) IS 'Marks corrected issues that come back';
