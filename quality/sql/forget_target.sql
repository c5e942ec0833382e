-- Takes a table out of the metadata: its rules, exceptions, batches and edges. Refused while another table takes its
-- batches, or while people have decided about its rows (AS065). For migrations that drop the table. Locks the target's row.
CREATE FUNCTION dwh_lineage.forget_target(in_target text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_consumers text;
BEGIN
    PERFORM 1 FROM dwh_lineage.targets WHERE target = in_target FOR UPDATE;
    SELECT string_agg(i.consumer, ', ' ORDER BY i.consumer) INTO l_consumers
    FROM dwh_lineage.target_inputs AS i WHERE i.source = in_target;
    IF l_consumers IS NOT NULL THEN
        RAISE EXCEPTION '% is still read by %.', in_target, l_consumers
            USING ERRCODE = 'AS032', HINT = 'Remove those tables first, or change what they read.';
    END IF;
    PERFORM dwh_lineage.forget_exceptions(in_target);
    DELETE FROM dwh_lineage.quality_rules WHERE target = in_target;
    DELETE FROM dwh_lineage.quality_overrides WHERE target = in_target;
    DELETE FROM dwh_lineage.pendings WHERE consumer = in_target;
    DELETE FROM dwh_lineage.skips WHERE consumer = in_target;
    DELETE FROM dwh_lineage.watermark_moves WHERE target = in_target;
    DELETE FROM dwh_lineage.target_inputs WHERE consumer = in_target;
    UPDATE dwh_lineage.run_steps SET batch_no = NULL
    WHERE batch_no IN (SELECT b.batch_no FROM dwh_lineage.batches AS b WHERE b.target = in_target);
    UPDATE dwh_lineage.table_lineage SET batch_no = NULL
    WHERE batch_no IN (SELECT b.batch_no FROM dwh_lineage.batches AS b WHERE b.target = in_target);
    DELETE FROM dwh_lineage.unreadable_lines AS u
    USING dwh_lineage.batches AS b WHERE b.batch_no = u.batch_no AND b.target = in_target;
    DELETE FROM dwh_lineage.batch_inputs AS i
    USING dwh_lineage.batches AS b WHERE b.batch_no IN (i.batch_no, i.input_batch_no) AND b.target = in_target;
    DELETE FROM dwh_lineage.batches WHERE target = in_target;
    DELETE FROM dwh_lineage.column_lineage WHERE target_table = in_target AND lineage_id IS NULL;
    DELETE FROM dwh_lineage.table_dependencies
    WHERE origin = 'declared' AND in_target IN (upstream_table, downstream_table);
    DELETE FROM dwh_lineage.targets WHERE target = in_target;
END
$$;
COMMENT ON FUNCTION dwh_lineage.forget_target(text) IS 'Takes a table out of the metadata';
