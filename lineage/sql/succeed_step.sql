-- Marks the step in_step succeeded, in the transaction of its load: both take effect, or neither. False: the claim
-- in_token is no longer the step's, and the load must be rolled back (40001 here says the same).
-- The batch is found by the run's id: an index lookup, and NULL where nothing waited.
CREATE FUNCTION dwh_lineage.succeed_step(in_step bigint, in_token bigint, in_batch_id uuid, in_target text)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE dwh_lineage.run_steps AS s
    SET state = 'succeeded', ended_at = clock_timestamp(),
        batch_no = (
            SELECT max(b.batch_no) FROM dwh_lineage.batches AS b
            WHERE b.batch_id = in_batch_id AND b.target = in_target
        ),
        error_sqlstate = NULL, error_message = NULL, error_hint = NULL
    WHERE s.id = in_step AND s.token = in_token AND s.state = 'running';
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION dwh_lineage.succeed_step(bigint, bigint, uuid, text) IS 'Marks a step succeeded, in its load''s transaction';
