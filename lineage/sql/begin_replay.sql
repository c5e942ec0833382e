-- Begins a replay of decided rows of in_target: takes its row in targets, as every load does, and opens its batch. What
-- waits for the table goes on waiting. Returns the batch's number.
-- Must run in REPEATABLE READ, like a load: a serialization failure (40001) here means that another load of the table has
-- just finished: begin again at once.
CREATE FUNCTION dwh_lineage.begin_replay(in_target text, in_batch_id uuid)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l_load_no bigint;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'A replay of % must run in REPEATABLE READ, not in %.',
            in_target, upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'AS001',
                  HINT = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT dwh_lineage.replay_chunk(…); COMMIT;';
    END IF;
    UPDATE dwh_lineage.targets AS t SET load_no = t.load_no + 1 WHERE t.target = in_target
    RETURNING t.load_no INTO STRICT l_load_no;
    RETURN dwh_lineage.open_batch(in_target, 'replay', in_batch_id, in_load_no => l_load_no);
END
$$;
COMMENT ON FUNCTION dwh_lineage.begin_replay(text, uuid) IS 'Begins a replay of decided rows';
