-- The load of a claimed step and its success, in one transaction in REPEATABLE READ; then how it ended, in another.
-- Called by work_at_run, between transactions; ends between transactions. A load that meets another load's commit
-- (40001) begins again at once, with a new snapshot.
CREATE PROCEDURE dwh_etl.work_at_step(
    in_step bigint, in_token bigint, in_batch_id uuid, in_target text, in_routine text
)
LANGUAGE plpgsql
AS $$
DECLARE
    l_outcome text;
    l_fencing boolean;
    l_sqlstate text;
    l_message text;
    l_detail text;
    l_hint text;
    l_judged text;
BEGIN
    FOR l_try IN 1..20 LOOP
        -- COMMIT right before it, here and below: once an expression has been planned, no level can be chosen any more.
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
        l_outcome := 'failed';
        l_fencing := false;
        l_sqlstate := NULL;
        BEGIN
            PERFORM dwh_lineage.hold_step(in_step);
            PERFORM dwh_etl.act_as_load();
            IF in_routine IS NULL THEN
                RAISE EXCEPTION 'The table % has no such load any more.', in_target
                    USING ERRCODE = 'AS010', HINT = 'Run migrate, then call the pipeline again.';
            END IF;
            EXECUTE format('CALL %I.%I($1)', split_part(in_routine, '.', 1), split_part(in_routine, '.', 2))
            USING in_batch_id;
            SET CONSTRAINTS ALL IMMEDIATE;  -- what COMMIT would say, nobody could catch
            l_fencing := true;
            l_outcome := CASE WHEN dwh_lineage.succeed_step(in_step, in_token, in_batch_id, in_target)
                THEN 'succeeded' ELSE 'fenced' END;
        EXCEPTION
            WHEN query_canceled OR OTHERS THEN
                GET STACKED DIAGNOSTICS l_sqlstate = RETURNED_SQLSTATE, l_message = MESSAGE_TEXT,
                    l_detail = PG_EXCEPTION_DETAIL, l_hint = PG_EXCEPTION_HINT,
                    l_judged = CONSTRAINT_NAME;
        END;
        EXIT WHEN l_sqlstate IS DISTINCT FROM '40001' OR l_fencing;
        ROLLBACK;
    END LOOP;
    IF l_outcome = 'succeeded' THEN
        COMMIT;
    ELSE
        ROLLBACK;
    END IF;
    IF l_sqlstate IN ('AS050', 'AS082', 'AS070') THEN
        -- What the gate saw went with the load: it is recorded in a transaction of its own.
        CALL dwh_etl.record_evidence(
            in_batch_id, in_target, CASE WHEN l_sqlstate = 'AS070' THEN l_judged END
        );
    END IF;
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    IF l_fencing AND l_sqlstate = '40001' THEN
        l_outcome := 'fenced';
    ELSIF l_sqlstate = '23502' THEN
        l_hint := dwh_lineage.why_absent(in_target);
    ELSIF l_sqlstate = '57014' AND dwh_lineage.step_is_over_time(in_step) THEN
        l_hint := 'It reached its time limit. Make it faster, or the pipeline''s limits longer; then call it again.';
    ELSIF l_sqlstate = '57014' THEN
        l_outcome := 'cancelled';
        PERFORM dwh_lineage.cancel_run(s.run_id) FROM dwh_lineage.run_steps AS s WHERE s.id = in_step;
    END IF;
    PERFORM dwh_lineage.end_step(
        in_step, in_token, l_outcome, l_sqlstate,
        CASE WHEN l_sqlstate IS NOT NULL THEN concat_ws(E'\n', l_message, nullif(l_detail, '')) END, nullif(l_hint, '')
    );
    RAISE NOTICE '% %', in_target, concat_ws(': ', l_outcome, CASE WHEN l_sqlstate IS NOT NULL THEN l_message END);
    COMMIT;
END
$$;
COMMENT ON PROCEDURE dwh_etl.work_at_step(bigint, bigint, uuid, text, text) IS 'The load of a claimed step, and its end';
