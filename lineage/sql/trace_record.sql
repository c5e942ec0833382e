-- The loads behind what the run in_batch_id wrote to in_table_name, back to the ingestions: it follows the batches that
-- each load took, not the time at which things happened. Each edge once, at its shortest distance. Locks nothing.
CREATE FUNCTION dwh_lineage.trace_record(in_table_name text, in_batch_id uuid)
RETURNS TABLE (
    step int,
    operation text,
    source_table text,
    target_table text,
    executed_at timestamptz,
    rows_affected bigint
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE ancestors (step, batch_no) AS (
        SELECT 1, b.batch_no
        FROM dwh_lineage.batches AS b
        WHERE b.target = in_table_name AND b.batch_id = in_batch_id
        UNION
        SELECT a.step + 1, i.input_batch_no
        FROM ancestors AS a
        JOIN dwh_lineage.batch_inputs AS i ON i.batch_no = a.batch_no
    ), nearest AS (
        SELECT min(a.step) AS step, a.batch_no FROM ancestors AS a GROUP BY a.batch_no
    ), edges AS (
        SELECT n.step, l.*
        FROM nearest AS n
        JOIN dwh_lineage.table_lineage AS l ON l.batch_no = n.batch_no
        UNION ALL
        -- Edges that routines written by hand logged for the run, without a batch in the ledger.
        SELECT 1, l.*
        FROM dwh_lineage.table_lineage AS l
        WHERE l.batch_no IS NULL AND l.target_table = in_table_name AND l.batch_id = in_batch_id
    )
    SELECT
        e.step,
        e.operation,
        e.source_table,
        e.target_table,
        e.completed_at,
        coalesce(e.rows_inserted, 0) + coalesce(e.rows_updated, 0) + coalesce(e.rows_deleted, 0)
    FROM edges AS e
    ORDER BY e.step, e.target_table, e.source_table, e.lineage_id
$$;
COMMENT ON FUNCTION dwh_lineage.trace_record(text, uuid) IS 'The loads behind what a run wrote to a table';
