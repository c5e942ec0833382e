-- Lets a batch that waits for in_target pass its gates, for a reason. The act is kept as a metric "gate_override" with
-- reason, time, the role and the user. in_by: name of the user, who needs the permission to override for the table; the owner
-- and etl_service may leave it out, everybody else acts as the user that signed in. AS086 and AS087 as require. Refuses a batch
-- that does not wait for the table, and an empty reason. Locks nothing.
CREATE FUNCTION dwh_etl.override_gate(in_target text, in_batch_no bigint, in_reason text, in_by text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF in_by IS NOT NULL OR NOT dwh_lineage.speaks_for_others() THEN
        PERFORM dwh_lineage.require(coalesce(in_by, session_user), ARRAY['quality.override'], in_target);
    END IF;
    IF coalesce(btrim(in_reason), '') = '' THEN
        RAISE EXCEPTION 'Letting a batch pass needs a reason.'
            USING ERRCODE = 'AS052', HINT = 'Say why: it is kept with the batch.';
    END IF;
    PERFORM 1 FROM dwh_lineage.pendings AS p WHERE p.consumer = in_target AND p.batch_no = in_batch_no;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Batch % does not wait for %.', in_batch_no, in_target
            USING ERRCODE = 'AS052',
                  HINT = 'SELECT batch_no FROM dwh_lineage.pendings WHERE consumer = … shows what waits for a table.';
    END IF;
    INSERT INTO dwh_lineage.quality_metrics (batch_id, table_name, metric_name, metric_value, passed, details)
    SELECT coalesce(b.batch_id, gen_random_uuid()), in_target, 'gate_override', in_batch_no, true,
        jsonb_strip_nulls(jsonb_build_object(
            'batch_no', in_batch_no, 'reason', in_reason, 'by', coalesce(in_by, session_user), 'role', session_user
        ))
    FROM dwh_lineage.batches AS b WHERE b.batch_no = in_batch_no;
END
$$;
COMMENT ON FUNCTION dwh_etl.override_gate(text, bigint, text, text) IS 'Lets a batch pass its gates, for a reason';
