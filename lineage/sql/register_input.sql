-- Makes in_consumer take the batches of in_source, the existing ones included.
-- Locks the source's row in targets FOR UPDATE: writers of the source hold it FOR KEY SHARE, so no batch slips by
-- between the list of existing batches and the registration. Updates it too: a writer in REPEATABLE READ whose snapshot
-- is older would not see the registration; now it meets 40001 when it takes the row, and begins again.
CREATE FUNCTION dwh_lineage.register_input(in_consumer text, in_source text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM dwh_lineage.targets WHERE target = in_source FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The table % is not installed, so % cannot take its batches.', in_source, in_consumer
            USING ERRCODE = 'AS010', HINT = 'Migrate the app that declares it first.';
    END IF;
    UPDATE dwh_lineage.targets SET load_no = load_no WHERE target = in_source;
    INSERT INTO dwh_lineage.target_inputs (consumer, source) VALUES (in_consumer, in_source)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO dwh_lineage.pendings (consumer, batch_no)
        SELECT in_consumer, b.batch_no FROM dwh_lineage.batches AS b WHERE b.target = in_source
        ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)
    VALUES (in_source, in_consumer, 'declared')
    ON CONFLICT (upstream_table, downstream_table) DO UPDATE SET origin = 'declared';
END
$$;
COMMENT ON FUNCTION dwh_lineage.register_input(text, text) IS 'Makes a table take the batches of another';
