-- The opposite of register_input: in_consumer takes no more batches of in_source. Locks as register_input does.
CREATE FUNCTION dwh_lineage.unregister_input(in_consumer text, in_source text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM dwh_lineage.targets WHERE target = in_source FOR UPDATE;
    DELETE FROM dwh_lineage.target_inputs WHERE consumer = in_consumer AND source = in_source;
    DELETE FROM dwh_lineage.pendings AS p
    USING dwh_lineage.batches AS b
    WHERE p.consumer = in_consumer AND b.batch_no = p.batch_no AND b.target = in_source;
    DELETE FROM dwh_lineage.skips AS k
    USING dwh_lineage.batches AS b
    WHERE k.consumer = in_consumer AND b.batch_no = k.batch_no AND b.target = in_source;
    DELETE FROM dwh_lineage.table_dependencies
    WHERE upstream_table = in_source AND downstream_table = in_consumer AND origin = 'declared';
END
$$;
COMMENT ON FUNCTION dwh_lineage.unregister_input(text, text) IS 'Makes a table take no more batches of another';
