-- How far each consumer has come: everything that its sources committed up to watermark_value has been taken.
-- NULL: its sources have committed nothing yet. Derived from the ledger at each look, so it can be neither behind nor ahead of it.
CREATE VIEW dwh_lineage.watermarks AS
SELECT
    t.target AS table_name,
    '_ingested_at'::text AS watermark_column,
    coalesce(w.first_waiting - interval '1 microsecond', s.latest) AS watermark_value,
    coalesce(l.completed_at, t.created_at) AS updated_at,
    coalesce(w.waiting_batches, 0) AS waiting_batches,
    coalesce(w.waiting_rows, 0) AS waiting_rows
FROM dwh_lineage.targets AS t
LEFT JOIN LATERAL (
    SELECT
        min(b.ingested_at) AS first_waiting,
        count(*) AS waiting_batches,
        sum(coalesce(b.rows_inserted, 0) + coalesce(b.rows_updated, 0) + coalesce(b.rows_deleted, 0))::bigint
            AS waiting_rows
    FROM dwh_lineage.pendings AS p
    JOIN dwh_lineage.batches AS b ON b.batch_no = p.batch_no
    WHERE p.consumer = t.target
) AS w ON true
LEFT JOIN LATERAL (
    SELECT max(b.ingested_at) AS latest
    FROM dwh_lineage.target_inputs AS i
    CROSS JOIN LATERAL (
        SELECT b.ingested_at
        FROM dwh_lineage.batches AS b
        WHERE b.target = i.source
        ORDER BY b.batch_no DESC  -- Uses index batches_target_idx
        LIMIT 1
    ) AS b
    WHERE i.consumer = t.target
) AS s ON true
LEFT JOIN LATERAL (
    SELECT b.completed_at
    FROM dwh_lineage.batches AS b
    WHERE b.target = t.target
    ORDER BY b.batch_no DESC
    LIMIT 1
) AS l ON true
WHERE EXISTS (SELECT 1 FROM dwh_lineage.target_inputs AS i WHERE i.consumer = t.target);
COMMENT ON VIEW dwh_lineage.watermarks IS 'How far each consumer has come; a summary of the ledger';

-- The guide's name for it.
CREATE VIEW dwh_etl.watermarks AS
SELECT table_name, watermark_column, watermark_value, updated_at FROM dwh_lineage.watermarks;
COMMENT ON VIEW dwh_etl.watermarks IS 'How far each consumer has come; a summary of the ledger';
