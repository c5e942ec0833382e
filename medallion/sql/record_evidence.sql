-- Records what a load of in_target saw that its gate refused, in a transaction of its own in REPEATABLE READ: the load's
-- has been rolled back. in_judged: what its checks measured, as the error brought it; without it, its rows are evaluated
-- again. Where it cannot be recorded this warns; the step fails as it would anyway. Called by work_at_step
-- between transactions.
CREATE PROCEDURE dwh_etl.record_evidence(in_batch_id uuid, in_target text, in_judged text DEFAULT NULL)
LANGUAGE plpgsql
AS $$
BEGIN
    COMMIT;  -- right before it: once an expression has been planned, no level can be chosen any more
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    BEGIN
        PERFORM dwh_etl.act_as_load();
        IF in_judged IS NOT NULL THEN
            PERFORM dwh_etl.record_checks(in_target, in_batch_id, in_judged::jsonb);
        ELSE
            EXECUTE format('CALL dwh_etl.%I($1)', 'evidence_' || replace(in_target, '.', '_')) USING in_batch_id;
        END IF;
    EXCEPTION
        WHEN OTHERS THEN
            RAISE WARNING 'What the gate of % refused could not be recorded: %', in_target, SQLERRM;
    END;
    COMMIT;
END
$$;
COMMENT ON PROCEDURE dwh_etl.record_evidence(uuid, text, text) IS 'Records what a gate refused';
