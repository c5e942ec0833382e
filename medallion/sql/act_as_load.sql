-- Lets the transaction at hand do what a load may, and no more: as etl_service where that may be, waiting a minute for a
-- lock at most, and saying only what warns. Called by work_at_step and record_evidence. Pins no search_path: what it sets
-- is for its caller's transaction.
CREATE FUNCTION dwh_etl.act_as_load()
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF pg_catalog.to_regrole('etl_service') IS NOT NULL THEN
        IF pg_catalog.pg_has_role(current_user, 'etl_service', 'SET') THEN
            PERFORM pg_catalog.set_config('role', 'etl_service', true);
        END IF;
    END IF;
    PERFORM pg_catalog.set_config('lock_timeout', '60s', true);
    PERFORM pg_catalog.set_config('client_min_messages', 'warning', true);
END
$$;
COMMENT ON FUNCTION dwh_etl.act_as_load() IS 'Lets a transaction do what a load may, and no more';
