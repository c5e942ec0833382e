-- Records what a load of in_target saw that its gate refused, in a transaction of its own in REPEATABLE READ: the load's
-- has been rolled back. Where it cannot be recorded this warns; the step fails as it would anyway. Called by work_at_step
-- between transactions.
CREATE PROCEDURE dwh_etl.record_evidence(in_batch_id uuid, in_target text)
LANGUAGE plpgsql
AS $$
BEGIN
    COMMIT;  -- right before it: once an expression has been planned, no level can be chosen any more
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    BEGIN
        PERFORM dwh_etl.act_as_load();
        EXECUTE format('CALL dwh_etl.%I($1)', 'evidence_' || replace(in_target, '.', '_')) USING in_batch_id;
    EXCEPTION
        WHEN OTHERS THEN
            RAISE WARNING 'What the gate of % refused could not be recorded: %', in_target, SQLERRM;
    END;
    COMMIT;
END
$$;
COMMENT ON PROCEDURE dwh_etl.record_evidence(uuid, text) IS 'Records what a gate refused';
